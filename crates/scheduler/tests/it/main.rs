//! Tests of the scheduler as its engine sees it: objects go in, plans come out and are done.

mod cluster;
mod placement;
mod preemption;
mod queueing;
mod random;
mod texts;
mod volumes;
