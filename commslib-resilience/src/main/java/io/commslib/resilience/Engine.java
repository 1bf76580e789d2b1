package io.commslib.resilience;

import io.commslib.core.time.CommsRuntime;

/** What the guards of a process share. */
record Engine(
    CommsRuntime runtime,
    AttemptWatch watch,
    CallThreads threads,
    CallEvents events,
    CallsInFlight calls,
    Mirrors mirrors) {}
