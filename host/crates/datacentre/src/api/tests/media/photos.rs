//! Photos of users, groups and channels.

use grammers_tl_types as tl;
use tl::{enums, functions, types};

use super::*;
use crate::api::tests::channels::supergroup;
use crate::api::tests::world::{Client, World, group, messages_of, search_request};

#[test]
fn a_profile_photo_is_seen_by_others_until_it_goes() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    alice.send(alice.peer(&bob), "hello");
    bob.pushed();
    let upload_photo = |side| {
        let file = Some(upload(&alice, &png(side, side), "me.png"));
        let (video, video_start_ts, video_emoji_markup, bot) = (None, None, None, None);
        functions::photos::UploadProfilePhoto {
            bot,
            file,
            video,
            video_start_ts,
            video_emoji_markup,
            ..tl_blank::upload_profile_photo()
        }
    };
    assert_eq!(alice.err(&upload_photo(159)), "400 PHOTO_CROP_SIZE_SMALL");
    for side in [200, 300] {
        alice.ok(&upload_photo(side));
        let pushed = bob.pushed();
        let [enums::Updates::Updates(updates)] = &pushed[..] else { panic!("{pushed:?}") };
        assert_eq!(updates.updates, [types::UpdateUser { user_id: alice.me }.into()]);
        let enums::User::User(user) = &updates.users[0] else { panic!() };
        let Some(enums::UserProfilePhoto::Photo(photo)) = &user.photo else { panic!("{user:?}") };
        for big in [true, false] {
            let location = types::InputPeerPhotoFileLocation { big, peer: bob.peer(&alice), photo_id: photo.photo_id };
            assert_eq!(download(&bob, &location.into()), png(side, side));
        }
    }
    let photos = |client: &Client<'_>, limit| {
        let call =
            functions::photos::GetUserPhotos { user_id: client.user(&alice).into(), offset: 0, max_id: 0, limit };
        let photos = match client.ok(&call) {
            enums::photos::Photos::Photos(all) => all.photos,
            enums::photos::Photos::Slice(slice) => slice.photos,
        };
        photos
            .into_iter()
            .map(|photo| match photo {
                enums::Photo::Photo(photo) => photo,
                enums::Photo::Empty(_) => panic!(),
            })
            .collect::<Vec<_>>()
    };
    let both = photos(&bob, 10);
    assert_eq!((both.len(), photos(&bob, 1).len()), (2, 1));
    assert_eq!(download(&bob, &photo_location(&both[0])), png(300, 300), "the newest first");
    let again = functions::photos::UpdateProfilePhoto { fallback: false, bot: None, id: input_photo(&both[1]) };
    alice.ok(&again);
    assert_eq!(photos(&alice, 10)[0].id, both[1].id);
    let gone = alice.ok(&functions::photos::DeletePhotos { id: both.iter().map(input_photo).collect() });
    assert_eq!((gone.len(), photos(&alice, 10).len()), (2, 0));
    assert!(bob.ok(&functions::photos::DeletePhotos { id: both.iter().map(input_photo).collect() }).is_empty());
}

#[test]
fn a_group_photo_is_told_to_its_members() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let peer = group(&alice, &[&bob], "Friends");
    let enums::InputPeer::Chat(types::InputPeerChat { chat_id }) = peer else { panic!() };
    bob.pushed();
    let change = |photo| functions::messages::EditChatPhoto { chat_id, photo };
    assert_eq!(alice.err(&change(enums::InputChatPhoto::Empty)), "400 CHAT_NOT_MODIFIED");
    let file = Some(upload(&alice, &png(200, 200), "g.png"));
    let new = types::InputChatUploadedPhoto { file, video: None, video_start_ts: None, video_emoji_markup: None };
    alice.ok(&change(new.into()));
    let pushed = bob.pushed();
    let [enums::Updates::Updates(updates)] = &pushed[..] else { panic!("{pushed:?}") };
    let enums::Update::NewMessage(new) = &updates.updates[0] else { panic!() };
    let enums::Message::Service(service) = &new.message else { panic!() };
    let enums::MessageAction::ChatEditPhoto(types::MessageActionChatEditPhoto { photo: enums::Photo::Photo(photo) }) =
        &service.action
    else {
        panic!()
    };
    assert_eq!(download(&bob, &photo_location(photo)), png(200, 200));
    let enums::Chat::Chat(chat) = &updates.chats[0] else { panic!() };
    let enums::ChatPhoto::Photo(shown) = &chat.photo else { panic!() };
    let location = types::InputPeerPhotoFileLocation { big: false, peer: peer.clone(), photo_id: shown.photo_id };
    assert_eq!(download(&bob, &location.into()), png(200, 200));
    let mut call = search_request(peer.clone());
    call.filter = enums::MessagesFilter::InputMessagesFilterChatPhotos;
    assert_eq!(messages_of(bob.ok(&call)).len(), 1);
    let same = types::InputChatPhoto { id: input_photo(photo) };
    assert_eq!(alice.err(&change(same.into())), "400 CHAT_NOT_MODIFIED");
    alice.ok(&change(enums::InputChatPhoto::Empty));
    let enums::messages::Chats::Chats(chats) = bob.ok(&functions::messages::GetChats { id: vec![chat_id] }) else {
        panic!()
    };
    let enums::Chat::Chat(chat) = &chats.chats[0] else { panic!() };
    assert_eq!(chat.photo, enums::ChatPhoto::Empty);
}

#[test]
fn a_channel_has_media_and_a_photo_too() {
    let world = World::new();
    let (alice, bob) = (world.human(1), world.human(2));
    let made = supergroup(&alice, &[&bob]);
    let (channel, peer) = (made.input(&alice), made.peer(&alice));
    bob.pushed();
    alice.ok(&send_media(&alice, peer.clone(), media(upload(&alice, &png(200, 200), "a.png"))));
    let pushed = bob.pushed_updates();
    let Some(enums::Update::NewChannelMessage(new)) = pushed.last() else { panic!("{pushed:?}") };
    let enums::Message::Message(seen) = &new.message else { panic!() };
    let photo = photo_of(seen.media.as_ref());
    assert_eq!(download(&bob, &photo_location(&photo)), png(200, 200));
    let mut search = search_request(peer);
    search.filter = enums::MessagesFilter::InputMessagesFilterPhotos;
    let enums::messages::Messages::ChannelMessages(found) = alice.ok(&search) else { panic!() };
    let enums::Message::Message(found) = &found.messages[0] else { panic!() };
    let id = input_photo(&photo_of(found.media.as_ref()));
    let answer = alice.ok(&functions::channels::EditPhoto { channel, photo: types::InputChatPhoto { id }.into() });
    let enums::Updates::Updates(updates) = answer else { panic!() };
    let enums::Chat::Channel(chat) = &updates.chats[0] else { panic!() };
    let enums::ChatPhoto::Photo(shown) = &chat.photo else { panic!("{chat:?}") };
    assert_eq!(shown.photo_id, photo.id);
}
