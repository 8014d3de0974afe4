"use strict";
// A stock gramjs client (layer 198), driven as chat.py says; with what telethon_chat.py adds. It dials port 80, and 443 for files,
// whatever it is told: so the data centre is to listen on the one, and what comes to the other is handed on to it here.
const crypto = require("node:crypto");
const fs = require("node:fs");
const net = require("node:net");
const bigInt = require("big-integer");
const { Api, TelegramClient } = require("telegram");
const { _serverKeys } = require("telegram/crypto/RSA");
const { NewMessage } = require("telegram/events");
const { StringSession } = require("telegram/sessions");
const chat = require("./chat.js");

const { settings } = chat;

/** Has the library know the data centre's public key. */
function addPublicKey(pem) {
  const key = crypto.createPublicKey(pem).export({ format: "jwk" });
  const [n, e] = [key.n, key.e].map((number) => Buffer.from(number, "base64url"));
  const head = Buffer.from([254, n.length & 255, n.length >> 8, 0]);
  const sha1 = crypto.createHash("sha1").update(Buffer.concat([head, n, Buffer.from([e.length]), e])).digest();
  const fingerprint = sha1.readBigInt64LE(12).toString();
  _serverKeys.set(fingerprint, { n: bigInt(n.toString("hex"), 16), e: bigInt(e.toString("hex"), 16).toJSNumber() });
}

addPublicKey(fs.readFileSync(settings.public_key, "utf8"));
net
  .createServer((from) => {
    const to = net.connect(settings.port, settings.host);
    from.pipe(to).pipe(from);
    [from, to].forEach((end) => end.on("error", () => [from, to].forEach((either) => either.destroy())));
  })
  .listen(443, settings.host);
const session = new StringSession("");
session.setDC(settings.dc_id, settings.host, settings.port);
const gramjs = new TelegramClient(session, 12345, "hash", { connectionRetries: 1000, retryDelay: 200 });
gramjs.setLogLevel("error");

const peer = ({ user, chat }) => (user !== undefined ? new Api.PeerUser({ userId: bigInt(user) }) : new Api.PeerChat({ chatId: bigInt(chat) }));
const number = (value) => (value === undefined ? null : Number(value));

const told = (message) => ({
  id: message.id,
  ...(message.peerId.chatId ? { chat: number(message.peerId.chatId) } : { user: number(message.peerId.userId) }),
  sender: number(message.fromId?.userId ?? (message.out ? settings.me : message.peerId.userId)),
  text: message.message ?? "",
  reply_to: message.replyTo?.replyToMsgId ?? null,
});

chat.run({
  async log_in() {
    const { phone: phoneNumber, code: phoneCode, name: firstName } = settings;
    await gramjs.connect();
    const { phoneCodeHash } = await gramjs.sendCode({ apiId: 12345, apiHash: "hash" }, phoneNumber);
    const call = { phoneNumber, phoneCodeHash };
    const signedIn = await gramjs.invoke(new Api.auth.SignIn({ ...call, phoneCode }));
    if (signedIn instanceof Api.auth.AuthorizationSignUpRequired) {
      await gramjs.invoke(new Api.auth.SignUp({ ...call, firstName, lastName: "" }));
    }
    gramjs.addEventHandler((event) => chat.told(told(event.message)), new NewMessage({ incoming: true }));
    const me = await gramjs.getMe();
    settings.me = number(me.id);
    return { id: settings.me, name: me.firstName, phone: me.phone };
  },
  async contact({ phone, name }) {
    const contact = new Api.InputPhoneContact({ clientId: bigInt(0), phone, firstName: name, lastName: "" });
    const { imported } = await gramjs.invoke(new Api.contacts.ImportContacts({ contacts: [contact] }));
    return { user: number(imported[0].userId) };
  },
  async group({ title, members }) {
    const users = await Promise.all(members.map((user) => gramjs.getInputEntity(peer({ user }))));
    const created = await gramjs.invoke(new Api.messages.CreateChat({ users, title }));
    return { chat: number(created.updates.chats[0].id) };
  },
  async send({ text, reply_to, ...to }) {
    return { id: (await gramjs.sendMessage(peer(to), { message: text, replyTo: reply_to })).id };
  },
  async send_file({ path, as_document, ...to }) {
    return { id: (await gramjs.sendFile(peer(to), { file: path, forceDocument: as_document })).id };
  },
  async load({ id, path, ...of }) {
    const [message] = await gramjs.getMessages(peer(of), { ids: [id] });
    // Who has it write the file hears that it is there before all of it is.
    fs.writeFileSync(path, await gramjs.downloadMedia(message));
  },
  async history({ limit, ...of }) {
    return { messages: (await gramjs.getMessages(peer(of), { limit })).map(told) };
  },
});
