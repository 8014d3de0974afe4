"""The rows, by groups that share a world."""
from . import contacts, groups, messages

GROUPS = {
    "contacts": contacts.ROWS,
    "groups": groups.ROWS,
    "messages": messages.ROWS,
}
