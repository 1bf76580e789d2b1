package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.OrderingKeys;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds the values of one record. The body is read once, when the first value of it is asked for.
 */
final class RecordValues {

  private static final int MAX_MILLIS_DIGITS = 15;

  private final ForeignRecord record;
  private final List<String> paths;
  private final @Nullable Function<ByteBuffer, @Nullable String[]> finder;
  private @Nullable String @Nullable [] found;

  RecordValues(
      ForeignRecord record,
      List<String> paths,
      @Nullable Function<ByteBuffer, @Nullable String[]> finder) {
    this.record = record;
    this.paths = paths;
    this.finder = finder;
  }

  @Nullable String find(ValueSource source) {
    List<ValueSource.Place> places = source.places();
    for (int i = 0; i < places.size(); i++) {
      String value = find(places.get(i));
      if (value != null) {
        return value;
      }
    }
    return null;
  }

  /** Returns the key, as lanes and messages have it. */
  @Nullable String key(ValueSource source) {
    List<ValueSource.Place> places = source.places();
    for (int i = 0; i < places.size(); i++) {
      ValueSource.Place place = places.get(i);
      String value = find(place);
      if (value != null) {
        return place.kind() == ValueSource.Kind.RECORD_KEY ? value : OrderingKeys.of(value);
      }
    }
    return null;
  }

  private @Nullable String find(ValueSource.Place place) {
    return switch (place.kind()) {
      case CONSTANT -> place.name();
      case HEADER -> HeaderRules.text(record, place.name());
      case PROPERTY -> ValueSource.property(record.properties(), place.name());
      case ROUTING_KEY -> record.routingKey().orElse(null);
      case RECORD_KEY -> record.key().map(OrderingKeys::of).orElse(null);
      case BOUND_NAME -> record.boundName().isEmpty() ? null : record.boundName();
      case ASSIGNED_ID -> record.assignedId().orElse(null);
      case BODY -> inBody(place.name());
    };
  }

  private @Nullable String inBody(String path) {
    if (finder == null || !record.hasBody()) {
      return null;
    }
    @Nullable String[] known = found;
    if (known == null) {
      known = finder.apply(record.bodyBuffer());
      found = known;
    }
    return known[paths.indexOf(path)];
  }

  /** Returns a time: as in RFC 3339, or as milliseconds since 1970. */
  @Nullable Instant time(ValueSource source) {
    String text = find(source);
    if (text == null) {
      return null;
    }
    try {
      return isMillis(text)
          ? Instant.ofEpochMilli(Long.parseLong(text))
          : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw FormatErrors.invalid(
          "time: "
              + Checks.shorten(text)
              + " (expected: as in RFC 3339, such as 2026-05-03T10:00:00Z, or milliseconds since"
              + " 1970, in "
              + source
              + ")",
          e);
    }
  }

  private static boolean isMillis(String text) {
    boolean good = !text.isEmpty() && text.length() <= MAX_MILLIS_DIGITS;
    for (int i = 0; good && i < text.length(); i++) {
      good = text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    return good;
  }
}
