//! The contact list: <https://core.telegram.org/api/contacts>.

use grammers_tl_types as tl;
use tgl::{Failure, Outcome, PeerId};
use tl::{enums, functions, types};

use super::Caller;
use crate::fault::Fault;

/// contacts.getContacts: <https://core.telegram.org/method/contacts.getContacts>.
pub(super) async fn get(caller: &Caller) -> Result<Outcome, Fault> {
    let users = match caller.invoke(&functions::contacts::GetContacts { hash: 0 }).await? {
        enums::contacts::Contacts::Contacts(list) => list.users,
        enums::contacts::Contacts::NotModified => Vec::new(),
    };
    let peers = caller.context.intake().learn_users(&users)?;
    Ok(Outcome::Peers(peers))
}

/// contacts.importContacts; also renames. A phone number that nobody has gives an empty list: <https://core.telegram.org/method/contacts.importContacts>.
pub(super) async fn add(caller: &Caller, phone: &str, first_name: &str, last_name: &str) -> Result<Outcome, Fault> {
    let contact = types::InputPhoneContact {
        client_id: 0,
        phone: phone.to_owned(),
        first_name: first_name.to_owned(),
        last_name: last_name.to_owned(),
        note: None,
    };
    let request = functions::contacts::ImportContacts { contacts: vec![contact.into()] };
    let enums::contacts::ImportedContacts::Contacts(imported) = caller.invoke(&request).await?;
    if !imported.retry_contacts.is_empty() {
        let why = "Telegram takes no more contacts for now; try again in some hours";
        return Err(Fault::new(Failure::Unavailable, why));
    }
    let peers = caller.context.intake().learn_users(&imported.users)?;
    Ok(Outcome::Peers(peers))
}

/// contacts.deleteContacts: <https://core.telegram.org/method/contacts.deleteContacts>.
pub(super) async fn delete(caller: &Caller, user: PeerId) -> Result<Outcome, Fault> {
    let request = functions::contacts::DeleteContacts { id: vec![caller.context.input_user(user)?] };
    let updates = caller.invoke(&request).await?;
    caller.context.intake().receive_answer(updates, None);
    Ok(Outcome::Done)
}
