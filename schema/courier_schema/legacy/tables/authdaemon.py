"""The file authdaemonrc: which modules know the accounts. It is read twice, by a shell and by the daemon's own reader.

The daemon's reader knows double quotes and takes a number sign anywhere as a comment, so the values here hold
neither of these nor anything that only a shell would understand.
"""

from typing import Annotated, Final, Literal

from courier_schema.legacy.codecs import PairsCodec, PlainPath, Positive, WordsCodec
from courier_schema.legacy.table import Absent, Internal, Named, Since, Table
from courier_schema.legacy.tables.tcpd import Logger, LoggerOptions

MODULES: Final = (
    "authuserdb", "authpam", "authpgsql", "authldap", "authmysql", "authsqlite", "authcustom", "authpipe",
    "authpwd", "authshadow",
)  # fmt: skip
OPTIONS: Final = (
    "disableimap", "disablepop3", "disableinsecureimap", "disableinsecurepop3", "disablewebmail", "disableshared",
    "group", "sharedgroup", "mailhost", "wbnochangingfrom", "wbnochangepass", "wbusexsender", "wbnoimages", "wbnodsn",
)  # fmt: skip

Modules = Annotated[tuple[str, ...], WordsCodec(words=MODULES)]
AccountOptions = Annotated[tuple[tuple[str, str], ...], PairsCodec(keys=OPTIONS, pattern=r"[^,\t/|\n\"'#$`\\]*")]
CheckCertificate = Literal["never", "allow", "try", "demand", "hard"]


class LdapTls(Table):
    """TLS of the connections to LDAP servers."""

    ldaptls_cacert: Annotated[PlainPath, Absent("as ldap.conf says"), Since("0.58")] | None = None
    """File of the authorities that LDAP servers' certificates are checked against."""
    ldaptls_reqcert: Annotated[CheckCertificate, Absent("as ldap.conf says"), Since("0.58")] | None = None
    """How strictly an LDAP server's certificate is checked."""
    ldaptls_cert: Annotated[PlainPath, Absent("no certificate is shown"), Since("0.58")] | None = None
    """File of the certificate that is shown to LDAP servers."""
    ldaptls_key: Annotated[PlainPath, Absent("no certificate is shown"), Since("0.58")] | None = None
    """File of the private key that belongs to LDAPTLS_CERT."""


class Authdaemonrc(Logger, LdapTls, file="authdaemonrc", directory="authdir"):
    """The authentication daemon."""

    authmodulelist: Annotated[Modules, Named("authmodulelist")] = ("${allmodules}",)
    """Modules that are asked about an account, in this order; the first that knows it answers."""
    authmodulelistorig: Annotated[Modules, Named("authmodulelistorig"), Internal()] | None = ("${allmodules}",)
    """Modules that the web administration offers to choose from."""
    daemons: Annotated[Positive, Named("daemons")] = 5
    """Processes that answer at a time."""
    authdaemonvar: Annotated[PlainPath, Named("authdaemonvar"), Internal()] | None = "${authdaemonvar}"
    """Directory of the daemon's socket, for scripts; the daemon itself has it built in."""
    debug_login: Annotated[Literal["0", "1", "2"], Absent("0")] | None = "0"
    """Log how logins are decided: not (0), the steps (1), or the steps with passwords in clear text (2)."""
    defaultoptions: Annotated[AccountOptions, Absent("none"), Since("0.52")] | None = ()
    """Account options for accounts that do not set them."""
    loggeropts: Annotated[LoggerOptions, Absent("the logger's defaults"), Since("0.57")] | None = ()
