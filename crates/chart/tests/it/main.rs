//! Tests of the chart engine as its users call it. What it prints is compared with Helm's by the binary's tests.

mod hostile;
mod origins;
