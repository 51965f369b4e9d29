//! Helm charts.
