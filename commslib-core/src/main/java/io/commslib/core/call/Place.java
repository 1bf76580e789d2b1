package io.commslib.core.call;

import org.jspecify.annotations.Nullable;

/**
 * Where an attempt goes, if there is more than one place.
 *
 * @param endpoint of the type that the attempt's work knows
 * @param isMirrored whether it belongs to a copy of a call
 */
record Place(@Nullable String subset, @Nullable Object endpoint, boolean isMirrored) {

  static final Place MIRRORED = new Place(null, null, true);

  /** Shows no endpoint: its text is not the library's. */
  @Override
  public String toString() {
    return "Place{subset=" + subset + ", isMirrored=" + isMirrored + "}";
  }
}
