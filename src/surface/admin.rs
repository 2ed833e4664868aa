//! The admin's key to a daemon: a token, kept in a file of the data folder.
//!
//! Whoever may read the data folder is the admin. Invariant: the token's file is readable by its owner alone; one
//! that others can read is refused, because it may be known already.
//! Not here: asking for the token (`http`), sending it (`remote`), the daemon's address (`store`'s owner file).

use std::fmt::{self, Write as _};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::error::{Code, Error};
use crate::access::{hash, is_same};
use crate::limits;

/// Name of the token's file.
const TOKEN_FILE: &str = "admin.token";

/// A secret that makes its holder the admin.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token of 32 random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        let mut text = String::with_capacity(64);
        for byte in random {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Reads the token of a data folder, or makes one where there is none.
    pub fn ensure(data: &Path) -> Result<Self, Error> {
        let path = data.join(TOKEN_FILE);
        if path.exists() {
            return Self::load(data);
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random)
            .map_err(|error| Error::new(Code::Failed, "the system gives no random bytes").detail(error))?;
        let token = Self::new(random);
        let refused = |error| file_error("write", &path, error);
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&path).map_err(refused)?;
        file.write_all(token.0.as_bytes()).and_then(|()| file.sync_all()).map_err(refused)?;
        Ok(token)
    }

    /// Reads the token of a data folder.
    pub fn load(data: &Path) -> Result<Self, Error> {
        let path = data.join(TOKEN_FILE);
        let text = fs::read_to_string(&path).map_err(|error| file_error("read", &path, error))?;
        if is_shared(&path).map_err(|error| file_error("read", &path, error))? {
            let message = format!(
                "other users can read {}; delete it, and the next `chimewheel serve` makes a new one",
                path.display()
            );
            return Err(Error::new(Code::Forbidden, message));
        }
        let text = text.trim();
        if text.len() < limits::TOKEN_BYTES_MIN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("{} holds no token; delete it and start the daemon again", path.display());
            return Err(Error::new(Code::Failed, message));
        }
        Ok(Self(text.to_owned()))
    }

    /// Whether somebody gave this token; takes the same time whatever was given.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        is_same(&hash(&self.0), &hash(given))
    }

    /// The header that carries it.
    #[must_use]
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

fn file_error(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::new(Code::Failed, format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

/// Whether others than its owner can read a file.
#[cfg(unix)]
pub fn is_shared(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Whether others than its owner can read a file, as far as this system says.
#[cfg(not(unix))]
pub fn is_shared(_path: &Path) -> std::io::Result<bool> {
    Ok(false)
}
