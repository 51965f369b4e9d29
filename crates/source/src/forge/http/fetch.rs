//! Documents that are there for everybody, as the keys of an issuer: read once, within bounds, from an address that is safe.
//!
//! No token goes along, redirects are not followed, and nothing is tried again: whoever needs it knows when.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::{Link, PAUSE, Way, client, connector};

/// More certificates than a company has authorities.
const AUTHORITIES: usize = 256;

impl Link {
    /// Makes connections that trust the authorities of a PEM text, and no others.
    ///
    /// # Errors
    /// There is no certificate in it, or one that is none; in words.
    pub fn trusting(authorities: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities).take(AUTHORITIES) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        if roots.is_empty() {
            return Err("there is no certificate in PEM".to_owned());
        }
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let secured = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(connector());
        Ok(Self {
            client: Way::Direct(client(secured)),
            pause: PAUSE,
        })
    }

    /// Whether an address may be asked: `https://`, or this machine.
    #[must_use]
    pub fn is_safe(address: &str) -> bool {
        let uri = address.parse::<Uri>();
        uri.is_ok_and(|uri| super::is_safe(&uri)) && !address.contains('@')
    }

    /// Reads a document of at most so many bytes, in at most so long.
    ///
    /// # Errors
    /// Why not, in words.
    pub async fn fetch(&self, address: &str, most: usize, within: Duration) -> Result<Bytes, String> {
        if !Self::is_safe(address) {
            return Err(format!("{address} is not asked: it begins not with https://"));
        }
        let request = Request::get(address)
            .header(USER_AGENT, "shipway")
            .header(ACCEPT, "application/json")
            .body(Full::default())
            .map_err(|error| error.to_string())?;
        let work = async {
            let response = self.client.send(request).await;
            let response = response.map_err(|error| format!("{address}: {}", stdx::chain(&error)))?;
            match response.status() {
                StatusCode::OK => {}
                status if status.is_redirection() => {
                    return Err(format!("{address} redirects to another place"));
                }
                status => return Err(format!("{address} says {}", status.as_u16())),
            }
            let body = Limited::new(response.into_body(), most).collect().await;
            let body = body.map_err(|error| format!("{address}: its answer is not whole: {error}"))?;
            Ok(body.to_bytes())
        };
        let late = |_| format!("{address} gives no answer within {} s", within.as_secs());
        tokio::time::timeout(within, work).await.map_err(late)?
    }
}
