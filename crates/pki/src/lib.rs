//! Private keys and X.509 certificates for templates, made from random bytes that the caller gives.
//!
//! ```text
//! random bytes ──► PrivateKey ──► Certificate ──► PEM
//! ```
//!
//! The same bytes give the same key, so that a seeded render repeats itself. Making an RSA key is the most
//! expensive thing a chart can ask for (a hundred times the rest of its render), hence the own search for primes.
//!
//! Deliberately absent: reading random bytes or a clock, verifying chains, and constant time. Keys are made here
//! for whoever runs the render and never answer a stranger's requests.

mod certificate;
mod der;
mod dsa;
mod key;
mod montgomery;
pub mod pem;
mod prime;
mod rsa;

pub use certificate::{Certificate, CertificateError, Issuer, Request};
pub use key::{Error, PrivateKey};

/// Fills a buffer with random bytes.
pub type Random<'a> = dyn FnMut(&mut [u8]) + 'a;
