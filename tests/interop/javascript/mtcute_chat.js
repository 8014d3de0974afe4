"use strict";
// A stock mtcute client (layer 227), driven as chat.py says; with what telethon_chat.py adds.
const fs = require("node:fs");
const { MemoryStorage, Long } = require("@mtcute/core");
const { addPublicKey } = require("@mtcute/core/utils.js");
const { TelegramClient } = require("@mtcute/node");
const { NodeCryptoProvider } = require("@mtcute/node/utils.js");
const chat = require("./chat.js");

const { settings } = chat;
const crypto = new NodeCryptoProvider();
addPublicKey(crypto, fs.readFileSync(settings.public_key, "utf8"));
const here = { id: settings.dc_id, ipAddress: settings.host, port: settings.port };
const mtcute = new TelegramClient({
  apiId: 12345,
  apiHash: "hash",
  crypto,
  storage: new MemoryStorage(),
  defaultDcs: { main: here, media: here },
});

/** A peer as mtcute numbers it. */
const peer = ({ user, chat }) => user ?? -chat;

const told = ({ id, raw }) => ({
  id,
  ...(raw.peerId._ === "peerChat" ? { chat: raw.peerId.chatId } : { user: raw.peerId.userId }),
  sender: raw.fromId?.userId ?? raw.peerId.userId,
  text: raw.message ?? "",
  reply_to: raw.replyTo?.replyToMsgId ?? null,
});

chat.run({
  async log_in() {
    const { phone, code, name } = settings;
    const { phoneCodeHash } = await mtcute.sendCode({ phone });
    const call = { phoneNumber: phone, phoneCodeHash };
    let auth = await mtcute.call({ _: "auth.signIn", ...call, phoneCode: code });
    if (auth._ === "auth.authorizationSignUpRequired") {
      auth = await mtcute.call({ _: "auth.signUp", ...call, firstName: name, lastName: "" });
    }
    await mtcute.notifyLoggedIn(auth);
    mtcute.onNewMessage.add((message) => message.isOutgoing || chat.told(told(message)));
    await mtcute.startUpdatesLoop();
    const me = await mtcute.getMe();
    return { id: me.id, name: me.firstName, phone: me.phoneNumber };
  },
  async contact({ phone, name }) {
    const contact = { _: "inputPhoneContact", clientId: Long.ZERO, phone, firstName: name, lastName: "" };
    const { imported } = await mtcute.call({ _: "contacts.importContacts", contacts: [contact] });
    return { user: imported[0].userId };
  },
  async group({ title, members }) {
    return { chat: -(await mtcute.createGroup({ title, users: members })).chat.id };
  },
  async send({ text, reply_to, ...to }) {
    return { id: (await mtcute.sendText(peer(to), text, { replyTo: reply_to })).id };
  },
  async send_file({ path, as_document, ...to }) {
    const media = { type: as_document ? "document" : "photo", file: `file:${path}` };
    return { id: (await mtcute.sendMedia(peer(to), media)).id };
  },
  async load({ id, path, ...of }) {
    const [message] = await mtcute.getMessages(peer(of), [id]);
    // Who has it write the file hears that it is there before all of it is.
    fs.writeFileSync(path, await mtcute.downloadAsBuffer(message.media));
  },
  async history({ limit, ...of }) {
    return { messages: (await mtcute.getHistory(peer(of), { limit })).map(told) };
  },
});
