//! Invite links: made, changed, listed.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::super::world::{World, group};
use super::{AdminRights, Client, no_rights, supergroup};
use crate::api::invites::links::INVITES_MAX;
use crate::model::invites::REVOKED_KEPT_MAX;

pub(in crate::api::tests) fn export(peer: enums::InputPeer) -> functions::messages::ExportChatInvite {
    tl_blank::export_chat_invite(peer)
}

pub(in crate::api::tests) fn import(hash: &str) -> functions::messages::ImportChatInvite {
    functions::messages::ImportChatInvite { hash: hash.to_owned() }
}

/// A link as its administrators see it.
pub(super) fn exported(invite: &enums::ExportedChatInvite) -> &types::ChatInviteExported {
    match invite {
        enums::ExportedChatInvite::ChatInviteExported(invite) => invite,
        other => panic!("{other:?}"),
    }
}

pub(in crate::api::tests) fn hash(invite: &enums::ExportedChatInvite) -> String {
    exported(invite).link.strip_prefix("https://t.me/+").unwrap().to_owned()
}

pub(super) fn change(peer: enums::InputPeer, link: &str) -> functions::messages::EditExportedChatInvite {
    tl_blank::edit_exported_chat_invite(peer, link.to_owned())
}

fn listed(client: &Client<'_>, peer: enums::InputPeer, of: &Client<'_>, revoked: bool) -> Vec<String> {
    let call = functions::messages::GetExportedChatInvites {
        revoked,
        peer,
        admin_id: client.user(of).into(),
        offset_date: None,
        offset_link: None,
        limit: 100,
    };
    let enums::messages::ExportedChatInvites::Invites(page) = client.ok(&call);
    page.invites.iter().map(|invite| exported(invite).link.clone()).collect()
}

#[test]
fn who_may_invite_makes_links_and_one_is_the_main_one() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let channel = supergroup(&alice, &[&bob]);
    assert_eq!(bob.err(&export(channel.peer(&bob))), "400 CHAT_ADMIN_REQUIRED");
    assert_eq!(bob.err(&export(bob.peer(&alice))), "400 PEER_ID_INVALID");
    let main = alice.ok(&export(channel.peer(&alice)));
    let second = alice.ok(&export(channel.peer(&alice)));
    assert!(exported(&main).permanent && !exported(&second).permanent);
    let renewed = alice
        .ok(&functions::messages::ExportChatInvite { legacy_revoke_permanent: true, ..export(channel.peer(&alice)) });
    assert!(exported(&renewed).permanent);
    let eve = world.human(3);
    assert_eq!(eve.err(&import(&hash(&main))), "400 INVITE_HASH_EXPIRED");
    alice.ok(&channel.admin(&alice, &bob, AdminRights { invite_users: true, ..no_rights() }));
    let bobs = bob.ok(&export(channel.peer(&bob)));
    assert_eq!(exported(&bobs).admin_id, bob.me);
    assert_eq!(listed(&bob, channel.peer(&bob), &bob, false), [exported(&bobs).link.clone()]);
    assert_eq!(listed(&alice, channel.peer(&alice), &bob, false).len(), 1, "the creator sees all");
    assert_eq!(listed(&alice, channel.peer(&alice), &alice, true), [exported(&main).link.clone()]);
    let admins = functions::messages::GetAdminsWithInvites { peer: channel.peer(&alice) };
    let enums::messages::ChatAdminsWithInvites::Invites(admins) = alice.ok(&admins);
    assert_eq!(admins.admins.len(), 2);
}

#[test]
fn conditions_are_checked() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let channel = supergroup(&alice, &[&bob]);
    let make = || export(channel.peer(&alice));
    let main = alice.ok(&make());
    let title = |link: &str| change(channel.peer(&alice), link);
    type Edit = functions::messages::EditExportedChatInvite;
    type Make = functions::messages::ExportChatInvite;
    for (call, error) in [
        (Make { expire_date: Some(5), ..make() }, "400 EXPIRE_DATE_INVALID"),
        (Make { usage_limit: Some(100_000), ..make() }, "400 USAGE_LIMIT_INVALID"),
        (Make { usage_limit: Some(3), request_needed: true, ..make() }, "400 USAGE_LIMIT_INVALID"),
    ] {
        assert_eq!(alice.err(&call), error);
    }
    let main = &exported(&main).link;
    for (call, error) in [
        (Edit { usage_limit: Some(3), ..title(main) }, "400 CHAT_INVITE_PERMANENT"),
        (title("https://t.me/+0000"), "400 INVITE_HASH_EXPIRED"),
    ] {
        assert_eq!(alice.err(&call), error);
    }
}

#[test]
fn a_link_is_changed_and_revoked() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let peer = group(&alice, &[&bob], "Friends");
    let made =
        functions::messages::ExportChatInvite { title: Some("for the school".to_owned()), ..export(peer.clone()) };
    let link = exported(&alice.ok(&made)).link.clone();
    let call = functions::messages::EditExportedChatInvite { usage_limit: Some(7), ..change(peer.clone(), &link) };
    let enums::messages::ExportedChatInvite::Invite(changed) = alice.ok(&call) else { panic!() };
    let changed = exported(&changed.invite);
    assert_eq!((changed.usage_limit, changed.title.as_deref()), (Some(7), Some("for the school")));
    let revoke =
        |link: &str| functions::messages::EditExportedChatInvite { revoked: true, ..change(peer.clone(), link) };
    let enums::messages::ExportedChatInvite::Invite(revoked) = alice.ok(&revoke(&link)) else { panic!() };
    assert!(exported(&revoked.invite).revoked);
    assert_eq!(alice.err(&revoke(&link)), "400 INVITE_HASH_EXPIRED");
    let main = exported(&alice.ok(&export(peer.clone()))).link.clone();
    let answer = alice.ok(&revoke(&main));
    let enums::messages::ExportedChatInvite::Replaced(replaced) = answer else { panic!("{answer:?}") };
    assert!(exported(&replaced.new_invite).permanent && exported(&replaced.new_invite).link != main);
    let delete =
        |link: &str| functions::messages::DeleteExportedChatInvite { peer: peer.clone(), link: link.to_owned() };
    assert_eq!(alice.err(&delete(&exported(&replaced.new_invite).link)), "400 INVITE_REVOKED_MISSING");
    alice.ok(&delete(&link));
    assert_eq!(listed(&alice, peer.clone(), &alice, true), [main]);
    alice.ok(&functions::messages::DeleteRevokedExportedChatInvites {
        peer: peer.clone(),
        admin_id: enums::InputUser::UserSelf,
    });
    assert!(listed(&alice, peer, &alice, true).is_empty());
}

#[test]
fn links_are_bounded_and_old_revoked_ones_forgotten() {
    let world = World::new();
    let alice = world.human(1);
    let channel = supergroup(&alice, &[]);
    let titled =
        || functions::messages::ExportChatInvite { title: Some("t".to_owned()), ..export(channel.peer(&alice)) };
    (0..INVITES_MAX).for_each(|_| drop(alice.ok(&titled())));
    assert_eq!(alice.err(&titled()), "400 INVITES_TOO_MUCH");
    world.model.lock().execute("UPDATE invites SET revoked = 1", []).unwrap();
    alice.ok(&titled());
    let kept: i32 = world.model.lock().query_row("SELECT COUNT(*) FROM invites", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, REVOKED_KEPT_MAX + 1);
}
