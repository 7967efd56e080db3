"""queue: how long mail is kept, how often it is tried, and how many deliveries run at a time."""

from courier_schema.site.base import Section
from courier_schema.words import Count, Duration, Positive


class Timeouts(Section):
    """How long the SMTP client and server wait."""

    command: Duration | None = None
    """Any command or reply (`esmtptimeout`)."""
    connect: Duration | None = None
    """Connecting (`esmtptimeoutconnect`)."""
    helo: Duration | None = None
    """The answer to EHLO (`esmtptimeouthelo`)."""
    data: Duration | None = None
    """Transfer of a message (`esmtptimeoutdata`)."""
    quit: Duration | None = None
    """The answer to QUIT (`esmtptimeoutquit`)."""
    keep_alive: Duration | None = None
    """How long an idle connection is kept for further mail (`esmtptimeoutkeepalive`)."""
    keep_alive_probe: Duration | None = None
    """Interval of probes on idle connections; 0 sends none (`esmtptimeoutkeepaliveping`)."""
    local_delivery: Duration | None = None
    """Longest run of a local delivery (`localtimeout`)."""


class Module(Section):
    """Limits of one delivery module."""

    deliveries: Positive | None = None
    """Deliveries at a time (MAXDELS)."""
    per_host: Positive | None = None
    """Deliveries at a time to one host (MAXHOST)."""
    recipients: Positive | None = None
    """Recipients in one delivery (MAXRCPT)."""


class Modules(Section):
    """Delivery modules."""

    local: Module | None = None
    """Local mailboxes."""
    esmtp: Module | None = None
    """Other servers."""
    dsn: Module | None = None
    """Bounces and receipts."""
    uucp: Module | None = None
    """UUCP neighbours."""
    fax: Module | None = None
    """Faxes."""


class Queue(Section):
    """Retries and life time. The defaults try after 5, 5, 5, 15, 5, 5, 30, 5, 5, 60, 5, 5, 120... minutes."""

    lifetime: Duration | None = None
    """Age at which undeliverable mail is returned (`queuetime`)."""
    fax_lifetime: Duration | None = None
    """The same for faxes (`faxqueuetime`)."""
    warn_after: Duration | None = None
    """Age at which the sender is told of a delay; 0 never (`warntime`)."""
    first_delay: Duration | None = None
    """Pause before the first attempt (`submitdelay`)."""
    retry_pause: Duration | None = None
    """Pause between the attempts of one series (`retryalpha`)."""
    retries_per_series: Count | None = None
    """Attempts in one series (`retrybeta`)."""
    series_pause: Duration | None = None
    """Pause before the second series; doubled before each further one (`retrygamma`)."""
    series_doublings: Count | None = None
    """How often that pause is doubled (`retrymaxdelta`)."""
    host_pause: Duration | None = None
    """Pause before a host that could not be reached is tried again (`esmtpdelay`)."""
    recipients_per_copy: Positive | None = None
    """Recipients in one queued copy of a message (`batchsize`)."""
    memory_low: Positive | None = None
    """Refill mark of the queue in memory (`queuelo`)."""
    memory_high: Positive | None = None
    """Capacity of the queue in memory (`queuehi`)."""
    refill: Duration | None = None
    """Interval at which the queue in memory is refilled; 0 never (`queuefill`)."""
    respawn_idle: Duration | None = None
    """Earliest restart of an idle queue manager (`respawnlo`)."""
    respawn_busy: Duration | None = None
    """Latest restart of the queue manager (`respawnhi`)."""
    timeouts: Timeouts = Timeouts.unsaid()
    """How long to wait for others."""
    modules: Modules = Modules.unsaid()
    """Limits of the delivery modules."""
