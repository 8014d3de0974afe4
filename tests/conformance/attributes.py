"""The names of the attributes of peers and messages: for scripts, which print them, and for the rows, which check them."""

PEER = (
    "id", "type", "type_name", "name", "user_id", "user", "user_list", "user_status", "phone", "username", "first_name",
    "last_name",
)  # fmt: skip
MSG = (
    "id", "flags", "mention", "out", "unread", "service", "src", "dest", "text", "media", "date", "fwd_src", "fwd_date",
    "reply_id", "reply", "action",
)  # fmt: skip
