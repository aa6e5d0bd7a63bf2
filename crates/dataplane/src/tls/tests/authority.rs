//! A certificate authority for tests, and documents of the plan made from its certificates.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};

use crate::plan::document::{Certificate, ClientTls, ClientVerification, ServerTls, TlsVersion, VerifyServer};

pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

// === impl Authority ===

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key for an authority");
        let issuer = CertifiedIssuer::self_signed(authority(name), key).expect("a self-signed authority");
        Self { issuer }
    }

    /// An authority that this one vouches for.
    pub(super) fn intermediate(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().expect("a key for an intermediate");
        let mut params = authority(name);
        change(&mut params);
        Self { issuer: CertifiedIssuer::signed_by(params, key, &self.issuer).expect("an intermediate") }
    }

    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A leaf with these alternative names: a text with `://` is a URI, any other a DNS name or an address.
    pub(super) fn leaf(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let key = KeyPair::generate().expect("a key for a leaf");
        let params = leaf(names, change);
        let chain_pem = params.signed_by(&key, &self.issuer).expect("a leaf").pem();
        Certificate { chain_pem, key_pem: key.serialize_pem() }
    }

    /// A client's leaf with this one identity.
    pub(super) fn client(&self, id: &str) -> Certificate {
        self.leaf(&[id], |_| {})
    }

    pub(super) fn revocation_list(&self, serials: &[u64], last_year: i32) -> String {
        let revoked = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(last_year, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).expect("a revocation list").pem().expect("PEM of a revocation list")
    }

    /// A listener in mode `mutual` that trusts this authority, for the trust domain `demo.mesh`.
    pub(super) fn mutual(&self) -> ServerTls {
        ServerTls { client: Some(self.verification()), ..self.simple() }
    }

    pub(super) fn simple(&self) -> ServerTls {
        let certificates = vec![self.leaf(&["localhost", "spiffe://demo.mesh/flatproxy"], |_| {})];
        ServerTls { certificates, client: None, min_version: TlsVersion::V1_2 }
    }

    pub(super) fn verification(&self) -> ClientVerification {
        ClientVerification { ca_pem: self.pem(), crl_pem: None, trust_domain: "demo.mesh".into() }
    }

    /// An upstream under this authority that is asked to be `localhost`.
    pub(super) fn upstream(&self, certificate: Option<Certificate>) -> ClientTls {
        ClientTls {
            ca_pem: self.pem(),
            crl_pem: None,
            verify: VerifyServer::Name("localhost".into()),
            sni: None,
            certificate,
            min_version: TlsVersion::V1_2,
        }
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let (uris, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| name.contains("://"));
    let others: Vec<String> = others.into_iter().map(String::from).collect();
    let mut params = CertificateParams::new(others).expect("well-formed names");
    for uri in uris {
        params.subject_alt_names.push(SanType::URI(uri.try_into().expect("an ASCII name")));
    }
    params.distinguished_name = named("leaf");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    change(&mut params);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// A leaf that vouches for itself.
pub(super) fn self_signed(id: &str) -> Certificate {
    let key = KeyPair::generate().expect("a key");
    let chain_pem = leaf(&[id], |_| {}).self_signed(&key).expect("a self-signed leaf").pem();
    Certificate { chain_pem, key_pem: key.serialize_pem() }
}
