//! The lives of pods on simulated nodes, under a clock that is stepped by hand.

mod convergence;
mod lives;
mod stage;
