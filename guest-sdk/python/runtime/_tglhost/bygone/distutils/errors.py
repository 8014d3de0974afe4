"""`distutils.errors`."""


class DistutilsError(Exception):
    """The base of the others."""


class DistutilsExecError(DistutilsError):
    """A program has failed, or cannot be started."""


class DistutilsFileError(DistutilsError):
    """A file or folder is not as it has to be."""


class DistutilsPlatformError(DistutilsError):
    """This machine does not have what is asked for."""
