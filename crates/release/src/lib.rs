//! Releases as Helm keeps them: records, history, and the plan of every operation.
//!
//! ```text
//! Target, History, Live ──plan──► Plan of steps, or every reason why not ──► cluster::run performs it
//! ```
//!
//! Pure: what is live, what time it is and who asks are arguments.
