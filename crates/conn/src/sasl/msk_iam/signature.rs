//! Signature Version 4 of AWS, as a query of `GET /` with an empty body: what is signed, and with what.

use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::MechanismError;

/// What a signature vouches for: that the owner of the access key may connect to that host from
/// now on for that long.
pub(super) struct Claim<'a> {
    pub(super) host: &'a str,
    pub(super) access_key: &'a str,
    pub(super) session_token: Option<&'a str>,
    pub(super) region: &'a str,
    pub(super) expiry: Duration,
    pub(super) at: &'a Timestamp,
}

impl Claim<'_> {
    /// The parameters of the query, without the signature, in the order in which they are signed:
    /// sorted by name.
    pub(super) fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("Action", "kafka-cluster:Connect".to_owned()),
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            (
                "X-Amz-Credential",
                format!("{}/{}", self.access_key, self.scope()),
            ),
            ("X-Amz-Date", self.at.second.clone()),
            ("X-Amz-Expires", self.expiry.as_secs().to_string()),
        ];
        if let Some(token) = self.session_token {
            parameters.push(("X-Amz-Security-Token", token.to_owned()));
        }
        parameters.push(("X-Amz-SignedHeaders", "host".to_owned()));
        parameters
    }

    /// The signature, 64 hexadecimal digits.
    pub(super) fn sign(&self, secret_key: &str) -> Result<String, MechanismError> {
        let first = Zeroizing::new(format!("AWS4{secret_key}"));
        let mut key = hmac(first.as_bytes(), self.at.day())?;
        for part in [self.region, SERVICE, TERMINATOR] {
            key = hmac(&*key, part)?;
        }
        Ok(hex(&*hmac(&*key, &self.text_to_sign())?))
    }

    fn text_to_sign(&self) -> String {
        let request = hex(&Sha256::digest(self.canonical_request()));
        let (second, scope) = (&self.at.second, self.scope());
        format!("{ALGORITHM}\n{second}\n{scope}\n{request}")
    }

    /// Method, path, query, headers (a line each, then an empty line), the names of the headers, and the body's hash.
    fn canonical_request(&self) -> String {
        let parameters = self.parameters().into_iter();
        let query: Vec<_> = parameters
            .map(|(name, value)| format!("{name}={}", percent_encoded(&value)))
            .collect();
        let (query, host, body) = (query.join("&"), self.host, hex(&Sha256::digest(b"")));
        format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{body}")
    }

    /// Where and when the key derived from the secret key is valid.
    fn scope(&self) -> String {
        format!("{}/{}/{SERVICE}/{TERMINATOR}", self.at.day(), self.region)
    }
}

/// A time in the calendar.
pub(super) struct Timestamp {
    /// UTC, as `YYYYMMDDThhmmssZ`.
    second: String,
}

impl Timestamp {
    /// `None` outside the years 1970 to 9999.
    pub(super) fn new(time: SystemTime) -> Option<Self> {
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        if since_1970 > LAST_SECOND {
            return None;
        }
        let (year, month, day) = crate::calendar::calendar_day(since_1970 / 86_400);
        let of_day = since_1970 % 86_400;
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        let second = format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z");
        Some(Self { second })
    }

    /// `YYYYMMDD`.
    fn day(&self) -> &str {
        self.second.split_once('T').map_or("", |(day, _)| day)
    }
}

fn hmac(key: &[u8], data: &str) -> Result<Zeroizing<[u8; 32]>, MechanismError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| MechanismError::Arithmetic)?;
    mac.update(data.as_bytes());
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// All but the unreserved characters of RFC 3986 as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

const SERVICE: &str = "kafka-cluster";

const TERMINATOR: &str = "aws4_request";

/// 9999-12-31 23:59:59 UTC in seconds since 1970.
const LAST_SECOND: u64 = 253_402_300_799;
