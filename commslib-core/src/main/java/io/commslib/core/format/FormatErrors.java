package io.commslib.core.format;

import io.commslib.core.CodecException;
import org.jspecify.annotations.Nullable;

/** The failures of formats. */
final class FormatErrors {

  /** The record is not of the format: a value is missing or against its rule. */
  static final String INVALID = "COMMS-CORE-031";

  /** The type of the record is none of the format's closed list. */
  static final String UNKNOWN_TYPE = "COMMS-CORE-032";

  /** The format can't write the message. */
  static final String UNWRITABLE = "COMMS-CORE-033";

  /** The schema id of the record is not known. */
  static final String UNKNOWN_SCHEMA = "COMMS-CORE-034";

  private FormatErrors() {}

  static CodecException invalid(String text) {
    return invalid(text, null);
  }

  static CodecException invalid(String text, @Nullable Throwable cause) {
    return new CodecException(INVALID, text, cause);
  }

  static CodecException unwritable(String text) {
    return new CodecException(UNWRITABLE, text, null);
  }
}
