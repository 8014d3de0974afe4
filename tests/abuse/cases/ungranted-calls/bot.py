import tgl


def said(what):
    return lambda success, *rest: print(what, "DONE" if success else "refused")


def begin(our_id):
    me = tgl.Peer(tgl.PEER_USER, our_id)
    me.send_msg("x", said("send"))
    me.send_file("/script/bot.py", said("media"))
    me.get_history(0, 10, said("read"))
    tgl.get_contact_list(said("contacts"))
    tgl.create_group_chat([me], "x", said("groups"))
    tgl.set_profile_name("x", "y", said("profile"))
    tgl.delete_msg(1, said("edit"))
    tgl.create_secret_chat(me, said("secret"))
    tgl.ext_function("account.deleteAccount reason:string = Bool", said("raw"))


tgl.set_on_our_id(begin)
