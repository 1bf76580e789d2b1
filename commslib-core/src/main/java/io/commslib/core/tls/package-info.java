/**
 * The certificate, key and trusted authorities of a process, for all transports alike. Start with
 * {@link io.commslib.core.tls.TlsIdentity}, which reads them from files and follows their renewal.
 * Needs the JDK only. All types are thread-safe, except the builder.
 */
@NullMarked
package io.commslib.core.tls;

import org.jspecify.annotations.NullMarked;
