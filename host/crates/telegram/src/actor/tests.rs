//! What becomes of an account whose actor fails inside, and of others.

use datacentre::{Config, DataCentre};
use store::AccountStore;
use tempfile::TempDir;

use super::*;
use crate::account::Account;
use crate::config::{ApiCredentials, DcAddress};
use crate::intake::Intake;
use crate::login::Login;
use crate::transfers::Transfers;

/// Somebody who has signed up with this number.
async fn logged_in(dir: &TempDir, dc: &DataCentre, phone: &str) -> AccountConfig {
    let config = AccountConfig {
        store: AccountStore::open(&dir.path().join(phone)).unwrap(),
        dc: DcAddress::Custom { address: dc.address, public_key_pem: dc.public_key_pem.clone(), dc_id: dc.dc_id },
        api: ApiCredentials { api_id: 1, api_hash: "hash".to_owned() },
        proxy: None,
    };
    let mut login = Login::begin(config.clone()).await.unwrap();
    login.send_code(phone).await.unwrap();
    login.sign_in(&phone[5..6].repeat(5)).await.unwrap();
    login.sign_up("Name", "").await.unwrap();
    login.finish().await.unwrap();
    config
}

/// Its actor, not at work yet.
fn actor(config: AccountConfig) -> (Actor, watch::Receiver<AccountState>) {
    let (publish, state) = watch::channel(AccountState::default());
    let session = Arc::new(StoreSession::open(config.store.clone(), &config.dc, None).unwrap());
    let owner = config.store.owner().unwrap().unwrap();
    let intake = Intake::open(config.store.clone(), owner, publish.clone()).unwrap();
    let transfers = Transfers::new(session.clone(), config.api.api_id);
    let context = Arc::new(Context::new(config.store.clone(), intake, transfers));
    (Actor::new(config, session, context, Arc::default(), publish), state)
}

async fn is_online(state: &mut watch::Receiver<AccountState>) {
    let online = state.wait_for(|state| state.connection == Connection::Online);
    tokio::time::timeout(Duration::from_secs(60), online).await.expect("in time").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_one_accounts_own_matter_and_it_comes_back() {
    let dir = TempDir::new().unwrap();
    let dc = Config { listen: ([127, 0, 0, 1], 0).into(), data_dir: dir.path().join("dc"), dc_id: 2 };
    let dc = DataCentre::start(dc).await.unwrap();
    let other = Account::start(logged_in(&dir, &dc, "9996610001").await).unwrap();
    let mut others = other.state();
    is_online(&mut others).await;
    let (mut actor, mut state) = actor(logged_in(&dir, &dc, "9996620001").await);
    actor.connect();
    let (panics, is_to_panic) = tokio::sync::oneshot::channel::<()>();
    actor.inbound.push(Box::pin(async {
        let _ = is_to_panic.await;
        panic!("asked for by a test")
    }));
    tokio::spawn(actor.run());
    is_online(&mut state).await;
    others.mark_unchanged();
    panics.send(()).unwrap();
    state.wait_for(|state| state.connection == Connection::Connecting).await.unwrap();
    is_online(&mut state).await;
    assert!(!others.has_changed().unwrap(), "the other one noticed nothing");
}
