import tgl


def caught_up():
    met = 0
    for number in range(2_000):
        try:
            tgl.Peer(tgl.PEER_USER, number)
            met += 1
        except tgl.PeerError:
            pass
    print("knows", met)


tgl.set_on_get_difference_end(caught_up)
