//! Certificates, keys and kubeconfigs of one testbed: made at its start, gone with it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};
use serde_json::json;

use crate::{Error, folders};

/// The cluster's address of the API server: the first of the service range.
const SERVICE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// One authority and the folder it signs into.
pub(crate) struct Pki {
    folder: PathBuf,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both PEM.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pki {
    /// Makes the authority and the key that signs the tokens of service accounts.
    pub(crate) fn new(folder: &Path) -> Result<Self, Error> {
        folders::make(folder)?;
        let mut params = CertificateParams::new(vec![])?;
        params.distinguished_name.push(DnType::CommonName, "testbed-ca");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let pki = Self { folder: folder.to_owned(), authority };
        folders::write(&pki.file("ca.crt"), pki.authority.pem().as_bytes())?;
        let tokens = KeyPair::generate()?;
        folders::write(&pki.file("sa.key"), tokens.serialize_pem().as_bytes())?;
        folders::write(&pki.file("sa.pub"), tokens.public_key_pem().as_bytes())?;
        Ok(pki)
    }

    /// The path of a file of this authority.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The authority's certificate.
    pub(crate) fn authority(&self) -> String {
        self.authority.pem()
    }

    /// The API server's certificate, for every address it is reached by.
    pub(crate) fn server(&self, own: IpAddr) -> Result<(), Error> {
        let mut params = CertificateParams::new(
            ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"].map(String::from),
        )?;
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        params.subject_alt_names.extend([loopback, own, SERVICE].map(SanType::IpAddress));
        self.sign("apiserver", params, "kube-apiserver", None, ExtendedKeyUsagePurpose::ServerAuth)?;
        Ok(())
    }

    /// A client certificate; `group` is the organisation in it.
    pub(crate) fn client(&self, file: &str, user: &str, group: Option<&str>) -> Result<Identity, Error> {
        let params = CertificateParams::new(vec![])?;
        self.sign(file, params, user, group, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        file: &str,
        mut params: CertificateParams,
        user: &str,
        group: Option<&str>,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, Error> {
        params.distinguished_name.push(DnType::CommonName, text(user));
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, text(group));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.insert_extended_key_usage(purpose);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        let identity = Identity { certificate: certificate.pem(), key: key.serialize_pem() };
        folders::write(&self.file(&format!("{file}.crt")), identity.certificate.as_bytes())?;
        folders::write(&self.file(&format!("{file}.key")), identity.key.as_bytes())?;
        Ok(identity)
    }
}

fn text(value: &str) -> DnValue {
    DnValue::Utf8String(value.to_owned())
}

/// Who a kubeconfig speaks as.
pub(crate) enum Credential<'a> {
    Certificate(&'a Identity),
    Token(&'a str),
}

/// Writes a kubeconfig that needs no other file.
pub(crate) fn kubeconfig(
    path: &Path,
    server: &str,
    authority: &str,
    credential: &Credential<'_>,
    namespace: &str,
) -> Result<(), Error> {
    let user = match credential {
        Credential::Certificate(identity) => json!({
            "client-certificate-data": base64(identity.certificate.as_bytes()),
            "client-key-data": base64(identity.key.as_bytes()),
        }),
        Credential::Token(token) => json!({ "token": token }),
    };
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "testbed", "cluster": {
            "server": server, "certificate-authority-data": base64(authority.as_bytes()),
        }}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "testbed", "context": {
            "cluster": "testbed", "user": "user", "namespace": namespace,
        }}],
        "current-context": "testbed",
    });
    folders::write(path, config.to_string().as_bytes())
}

/// Base64 of RFC 4648 with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_vectors_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
