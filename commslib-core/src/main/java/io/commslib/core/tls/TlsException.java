package io.commslib.core.tls;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import org.jspecify.annotations.Nullable;

/**
 * The files of a {@link TlsIdentity} can't be used. The text names the file and its rule, and never
 * shows a part of a key.
 *
 * <ul>
 *   <li>{@code COMMS-TLS-001}, {@link FailureKind#TRANSIENT}: a file can't be read.
 *   <li>{@code COMMS-TLS-002}, {@link FailureKind#PERMANENT}: a file is incomplete or not of the
 *       expected form, for example a key with a password.
 *   <li>{@code COMMS-TLS-003}, {@link FailureKind#PERMANENT}: the key is not that of the
 *       certificate, or the certificates of the chain don't follow each other.
 *   <li>{@code COMMS-TLS-004}, {@link FailureKind#PERMANENT}: a certificate of the chain has
 *       expired or is not valid yet.
 * </ul>
 */
public final class TlsException extends CommsException {

  private static final long serialVersionUID = 1L;

  private TlsException(String code, FailureKind kind, String text, @Nullable Throwable cause) {
    super(code, kind, text, cause);
  }

  static TlsException unreadable(String text, @Nullable Throwable cause) {
    return new TlsException("COMMS-TLS-001", FailureKind.TRANSIENT, text, cause);
  }

  /** Without a cause, since that of a key may quote it. */
  static TlsException malformed(String file, String value, String rule) {
    return new TlsException("COMMS-TLS-002", FailureKind.PERMANENT, rule(file, value, rule), null);
  }

  static TlsException unfit(String file, String value, String rule) {
    return new TlsException("COMMS-TLS-003", FailureKind.PERMANENT, rule(file, value, rule), null);
  }

  static TlsException notValid(String value, String rule) {
    return new TlsException(
        "COMMS-TLS-004", FailureKind.PERMANENT, rule("chain", value, rule), null);
  }

  private static String rule(String file, String value, String rule) {
    return file + ": " + value + " (expected: " + rule + ")";
  }
}
