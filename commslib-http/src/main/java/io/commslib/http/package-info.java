/**
 * Calls over HTTP, with the JDK's client and server. Every call runs under a guard of {@code
 * commslib-resilience}: one deadline, which travels with the request, retries only where they are
 * harmless, and a breaker for each remote.
 */
@NullMarked
package io.commslib.http;

import org.jspecify.annotations.NullMarked;
