package io.commslib.http.server;

import io.commslib.core.codec.Codec;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A route before codec and deprecations are known, which the builder may get later. */
record RouteDefinition(PathTemplate template, Maker maker) {

  /** Makes the route. */
  interface Maker {
    Route make(Optional<Codec> codec, Map<String, List<String>> headers);
  }
}
