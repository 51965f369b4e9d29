//! The scheduler: which node a pod goes to, or why to none.
//!
//! ```text
//! pending pod + nodes and what runs there ──filter──► fitting nodes ──score──► one of them
//!                                            └─ none fit ──► preemption, or the reason in words
//! ```
//!
//! Pure: an [`objects::control::Loop`] that `minicluster` runs.
