import tgl


def met(success, peers):
    house = peers[0]
    for name in ("/etc/passwd", "/proc/self/environ", "../../../tglhost.toml", "/dev/zero", "/home/link", "/home", ""):
        house.send_file(name, lambda success, msg: print("SENT" if success else "refused"))
    house.send_msg("last", lambda success, msg: print("done"))


tgl.add_contact("9996610001", "House", "", met)
