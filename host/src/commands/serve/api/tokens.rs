//! Tenants' tokens.
//!
//! Invariant: a token is random, said once, and kept as its digest alone; who guesses learns nothing from how long it takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};

use crate::data_dir::write_whole;

/// What a token begins with, by which it is known where it lies around.
const PREFIX: &str = "tglhost_";
/// Tokens of one tenant; one more takes the place of the oldest.
const TOKENS_MAX: usize = 8;

/// The tokens of all tenants. Cheap to clone.
#[derive(Clone)]
pub(in crate::commands::serve) struct Tokens {
    path: PathBuf,
    digests: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
}

impl Tokens {
    /// Reads them.
    ///
    /// # Errors
    /// Where the file cannot be read or is no such file.
    pub(in crate::commands::serve) fn open(data: &Path) -> Result<Self> {
        let path = data.join("tokens.json");
        let digests = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} is damaged: move it away, and make new tokens", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        Ok(Self { path, digests: Arc::new(Mutex::new(digests)) })
    }

    /// Makes one for this tenant.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub(in crate::commands::serve) fn make(&self, tenant: &str) -> Result<String> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).context("the system gives no random bytes")?;
        let token = format!("{PREFIX}{}", blake3::Hash::from_bytes(secret).to_hex());
        let mut digests = self.lock();
        let mut changed = digests.clone();
        let own = changed.entry(tenant.to_owned()).or_default();
        own.push(digest(&token).to_hex().to_string());
        own.drain(..own.len().saturating_sub(TOKENS_MAX));
        self.write(&changed)?;
        *digests = changed;
        Ok(token)
    }

    /// Forgets all tokens of this tenant.
    ///
    /// # Errors
    /// Where that cannot be kept: they hold on then.
    pub(in crate::commands::serve) fn forget(&self, tenant: &str) -> Result<()> {
        let mut digests = self.lock();
        let mut changed = digests.clone();
        if changed.remove(tenant).is_some() {
            self.write(&changed)?;
            *digests = changed;
        }
        Ok(())
    }

    /// Whose token this is, and what lasts as long as it does.
    pub(super) fn tenant_of(&self, token: &str) -> Option<(Arc<str>, Pass)> {
        let pass = Pass { tokens: self.clone(), digest: digest(token) };
        Some((self.holder(pass.digest)?, pass))
    }

    fn holder(&self, given: blake3::Hash) -> Option<Arc<str>> {
        let mut found = None;
        // All are looked at, each in constant time.
        for (tenant, digests) in &*self.lock() {
            for kept in digests {
                if blake3::Hash::from_hex(kept).is_ok_and(|kept| kept == given) {
                    found = Some(tenant.as_str().into());
                }
            }
        }
        found
    }

    fn write(&self, digests: &BTreeMap<String, Vec<String>>) -> Result<()> {
        write_whole(&self.path, &serde_json::to_vec(digests)?)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<String>>> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that was good when it was shown.
#[derive(Clone)]
pub(super) struct Pass {
    tokens: Tokens,
    digest: blake3::Hash,
}

impl Pass {
    /// Whether it is good still.
    pub(super) fn holds(&self) -> bool {
        self.tokens.holder(self.digest).is_some()
    }
}

fn digest(token: &str) -> blake3::Hash {
    blake3::hash(token.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_token_reaches_its_tenant_until_it_is_forgotten_and_is_kept_as_a_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = Tokens::open(folder.path()).expect("opened");
        let (ann, ben) = (tokens.make("ann").expect("made"), tokens.make("ben").expect("made"));
        let again = Tokens::open(folder.path()).expect("opened");
        for (token, tenant) in [(&ann, Some("ann")), (&ben, Some("ben")), (&"tglhost_".to_owned(), None)] {
            assert_eq!(again.tenant_of(token).map(|(name, _)| name).as_deref(), tenant);
        }
        let file = folder.path().join("tokens.json");
        let text = fs::read_to_string(&file).expect("read");
        assert!(!text.contains(&ann[PREFIX.len()..]), "{text}");
        assert_eq!(fs::metadata(&file).expect("there").permissions().mode() & 0o777, 0o600);
        let [(_, of_ann), (_, of_ben)] = [&ann, &ben].map(|token| tokens.tenant_of(token).expect("good"));
        tokens.forget("ann").expect("forgotten");
        assert!(tokens.tenant_of(&ann).is_none() && tokens.tenant_of(&ben).is_some());
        assert_eq!((of_ann.holds(), of_ben.holds()), (false, true));
    }

    #[test]
    fn of_many_tokens_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = Tokens::open(folder.path()).expect("opened");
        let made: Vec<String> = (0..=TOKENS_MAX).map(|_| tokens.make("ann").expect("made")).collect();
        let live: Vec<bool> = made.iter().map(|token| tokens.tenant_of(token).is_some()).collect();
        assert_eq!(live, [&[false][..], &[true; TOKENS_MAX]].concat());
    }
}
