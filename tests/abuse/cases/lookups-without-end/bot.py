import tgl


asked = 0


def ask(*answer):
    global asked
    asked += 1
    if asked == 2_000:
        print("asked so often")
    tgl.get_dialog_list(ask)
    tgl.msg_global_search("a", ask)


tgl.set_on_get_difference_end(ask)
