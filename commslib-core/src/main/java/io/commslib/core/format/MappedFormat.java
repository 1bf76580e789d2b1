package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import io.commslib.core.format.ValueSource.Kind;
import io.commslib.core.format.ValueSource.Place;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.UnknownTypeException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A format whose attributes stand in named places of the record. */
final class MappedFormat implements MessageFormat {

  private static final String CONTENT_TYPE = "content-type";
  private static final String UNKNOWN = "unknown:";

  private final String contentType;
  private final @Nullable BodyReader body;
  private final ValueSource type;
  private final ValueSource source;
  private final ValueSource id;
  private final ValueSource key;
  private final @Nullable ValueSource time;
  private final @Nullable ValueSource correlationId;
  private final @Nullable String tombstone;
  private final @Nullable Map<String, String> types;
  private final Map<String, String> texts;
  private final boolean spring;
  private final @Nullable SchemaFrame frame;

  private final List<String> paths;
  private final @Nullable Function<ByteBuffer, @Nullable String[]> finder;
  private final List<String> keyPaths;
  private final @Nullable Function<ByteBuffer, @Nullable String[]> keyFinder;

  /** Headers of the record that carry attributes. */
  private final Set<String> names = new HashSet<>();

  MappedFormat(PlainFormatBuilder builder) {
    this.contentType = builder.contentType;
    this.body = builder.body;
    this.type =
        builder.frame == null
            ? Objects.requireNonNull(builder.type)
            : ValueSource.constant("schema id");
    this.source = builder.source;
    this.id = builder.id;
    this.key = builder.key;
    this.time = builder.time;
    this.correlationId = builder.correlationId;
    this.tombstone = builder.tombstone;
    this.types = builder.types;
    this.texts = builder.values;
    this.spring = builder.spring;
    this.frame = builder.frame;
    List<Place> all = new ArrayList<>();
    for (ValueSource each : sources()) {
      all.addAll(each.places());
    }
    for (Place place : all) {
      if (place.kind() == Kind.HEADER) {
        names.add(place.name());
      }
    }
    this.paths = paths(all);
    this.keyPaths = paths(key.places());
    this.finder = finder(body, paths);
    this.keyFinder = finder(body, keyPaths);
  }

  private List<ValueSource> sources() {
    List<ValueSource> all = new ArrayList<>(List.of(type, source, id, key));
    if (time != null) {
      all.add(time);
    }
    if (correlationId != null) {
      all.add(correlationId);
    }
    return all;
  }

  private static List<String> paths(List<Place> places) {
    return places.stream()
        .filter(place -> place.kind() == Kind.BODY)
        .map(Place::name)
        .distinct()
        .toList();
  }

  private static @Nullable Function<ByteBuffer, @Nullable String[]> finder(
      @Nullable BodyReader body, List<String> paths) {
    if (paths.isEmpty()) {
      return null;
    }
    Checks.check(body != null, "path", paths.get(0), "a format whose bodies can be read");
    return Objects.requireNonNull(body).finder(paths);
  }

  @Override
  public String name() {
    StringBuilder name = new StringBuilder("plain ").append(contentType);
    name.append(" (type: ").append(type).append(types == null ? "" : " of " + types.keySet());
    name.append(", source: ").append(source).append(", id: ").append(id);
    name.append(", key: ").append(key);
    if (time != null) {
      name.append(", time: ").append(time);
    }
    if (correlationId != null) {
      name.append(", correlation id: ").append(correlationId);
    }
    return name.append(", tombstone: ").append(tombstone == null ? "unknown type" : tombstone)
        + ")";
  }

  @Override
  public boolean alwaysFindsId() {
    boolean tombstonesHaveNone = tombstone != null && id.has(Kind.BODY);
    return !id.has(Kind.ASSIGNED_ID) && !tombstonesHaveNone;
  }

  @Override
  public boolean needs(String headerName) {
    return names.contains(headerName)
        || headerName.equals(CONTENT_TYPE)
        || (spring && SpringFormat.isOfCollection(headerName));
  }

  @Override
  public Optional<String> orderingKey(ForeignRecord record) {
    return Optional.ofNullable(key(record, new RecordValues(record, keyPaths, keyFinder)));
  }

  private @Nullable String key(ForeignRecord record, RecordValues values) {
    String found = values.key(key);
    if (found != null || !key.first().kind().equals(Kind.BODY) || key.places().size() > 1) {
      return found;
    }
    if (record.hasBody()) {
      throw missing("key", key);
    }
    return values.key(ValueSource.recordKey());
  }

  /**
   * Reads a record.
   *
   * @throws UnknownTypeException {@code COMMS-CORE-032} if the type is not of the closed list, or a
   *     tombstone's type is not named
   * @throws io.commslib.core.CodecException {@code COMMS-CORE-031} if a value is missing or against
   *     its rule, or the code of the body reader
   */
  @Override
  public Message read(ForeignRecord record) {
    RecordValues values = new RecordValues(record, paths, finder);
    RecordMessage message = RecordMessage.of(record).hide(names).contentType(contentType(record));
    String unknown = setType(message, record, values);
    String sourceText = values.find(source);
    if (sourceText != null) {
      message.source(sourceText);
    } else if (!source.has(Kind.BOUND_NAME)) {
      throw missing("source", source);
    }
    message.id(id(record, values, unknown != null));
    message.key(key(record, values));
    if (time != null) {
      message.time(values.time(time));
    }
    if (correlationId != null) {
      message.correlationId(values.find(correlationId));
    }
    Message read = message.build();
    if (unknown != null) {
      throw new UnknownTypeException(FormatErrors.UNKNOWN_TYPE, unknown, read);
    }
    return read;
  }

  /** Sets the type. Returns null, or why it is not known. */
  private @Nullable String setType(
      RecordMessage message, ForeignRecord record, RecordValues values) {
    if (!record.hasBody()) {
      message.type(tombstone == null ? UNKNOWN + "tombstone" : tombstone);
      return tombstone == null
          ? "type of a tombstone: none (expected: one that tombstone(...) of the format names)"
          : null;
    }
    if (frame != null) {
      frame.read(record, message);
      return null;
    }
    String text = values.find(type);
    if (text == null) {
      throw missing("type", type);
    }
    Map<String, String> closed = types;
    if (closed == null) {
      message.type(text);
      return null;
    }
    String known = closed.get(text);
    boolean collection = spring && SpringFormat.isCollection(record);
    message.type(known == null || collection ? UNKNOWN + text : known);
    if (known != null && !collection) {
      return null;
    }
    return type
        + ": "
        + Checks.shorten(text)
        + (collection ? " of other elements" : "")
        + " (expected: one of the types of the format: "
        + closed.keySet()
        + ")";
  }

  private String id(ForeignRecord record, RecordValues values, boolean isUnknown) {
    String found = values.find(id);
    if (found == null && !record.hasBody()) {
      found = record.assignedId().orElse(null);
      if (found == null && isUnknown) {
        // No format asked for an assigned id; the handler only settles the message.
        found = UNKNOWN + record.position().map(Object::toString).orElse("tombstone");
      }
    }
    if (found == null) {
      throw missing("id", id);
    }
    return found;
  }

  private static io.commslib.core.CodecException missing(String attribute, ValueSource source) {
    return FormatErrors.invalid(attribute + ": none (expected: a value in " + source + ")");
  }

  private String contentType(ForeignRecord record) {
    String received = HeaderRules.text(record, CONTENT_TYPE);
    return received == null || received.isEmpty() ? contentType : received;
  }

  /**
   * Writes a message.
   *
   * @throws io.commslib.core.CodecException {@code COMMS-CORE-033} if the message has a value that
   *     the format can't write, or the code of the body reader
   */
  @Override
  public ForeignRecord write(Message message) {
    boolean isTombstone = message.type().equals(tombstone);
    check(message, isTombstone);
    ForeignRecord.Builder record = ForeignRecord.builder();
    if (!isTombstone) {
      record.body(frame == null ? message.sharedBody() : frame.write(message));
      record.property(CONTENT_TYPE, message.contentType());
    }
    record.property("message-id", message.id()).property("type", message.type());
    message.correlationId().ifPresent(value -> record.property("correlation-id", value));
    message.time().ifPresent(value -> record.property("timestamp", value));
    message.traceparent().ifPresent(value -> record.header("traceparent", value));
    message.tracestate().ifPresent(value -> record.header("tracestate", value));
    if (!isTombstone && frame == null) {
      write(record, type, text(message));
    }
    write(record, source, message.source());
    write(record, id, message.id());
    message.correlationId().ifPresent(value -> write(record, correlationId, value));
    message.time().ifPresent(value -> writeTime(record, value));
    message.key().ifPresent(value -> write(record, key, value));
    message
        .headers()
        .forEach(
            (name, value) -> {
              if (!names.contains(name)) {
                record.header(name, value);
              }
            });
    key(message).ifPresent(value -> record.key(RecordKeys.bytes(value)));
    ForeignRecord written = record.build();
    verify(written, message, isTombstone);
    return written;
  }

  private void check(Message message, boolean isTombstone) {
    if (message.version() != 1 && (frame == null || isTombstone)) {
      throw FormatErrors.unwritable(
          "version: " + message.version() + " (expected: 1, as the format has no place for it)");
    }
    if (isTombstone) {
      if (message.bodyLength() > 0) {
        throw FormatErrors.unwritable(
            "body of a tombstone: " + message.bodyLength() + " bytes (expected: none)");
      }
      return;
    }
    boolean good =
        body == null
            ? mediaType(message.contentType()).equals(mediaType(contentType))
            : body.accepts(message.contentType());
    if (!good) {
      throw FormatErrors.unwritable(
          "contentType: "
              + Checks.shorten(message.contentType())
              + " (expected: "
              + contentType
              + ", that of the format)");
    }
  }

  private static String mediaType(String contentType) {
    return contentType.split(";", 2)[0].strip().toLowerCase(java.util.Locale.ROOT);
  }

  /** The text of the message's type in the record. */
  private String text(Message message) {
    if (types == null) {
      return message.type();
    }
    String text = texts.get(message.type());
    if (text == null) {
      throw FormatErrors.unwritable(
          "type: "
              + Checks.shorten(message.type())
              + " (expected: one of the types of the format: "
              + texts.keySet()
              + ")");
    }
    return text;
  }

  /** Readers take the key from the body, so the record's key is the same. */
  private Optional<String> key(Message message) {
    if (message.key().isPresent() || keyFinder == null || key.first().kind() != Kind.BODY) {
      return message.key();
    }
    return Optional.ofNullable(
        keyFinder.apply(message.sharedBodyBuffer())[keyPaths.indexOf(key.first().name())]);
  }

  private static void write(
      ForeignRecord.Builder record, @Nullable ValueSource source, String value) {
    Place place = source == null ? null : source.first();
    if (place != null && place.kind() == Kind.HEADER) {
      record.header(place.name(), value);
    } else if (place != null && place.kind() == Kind.PROPERTY) {
      record.property(place.name(), value);
    }
  }

  private void writeTime(ForeignRecord.Builder record, Instant value) {
    boolean isTimestamp =
        time != null
            && time.first().kind() == Kind.PROPERTY
            && time.first().name().equals("timestamp");
    if (!isTimestamp) {
      write(record, time, value.toString());
    }
  }

  /** Readers must find what the message says. */
  private void verify(ForeignRecord written, Message message, boolean isTombstone) {
    RecordValues values = new RecordValues(written, paths, finder);
    if (!isTombstone && frame == null) {
      verify("type", type, text(message), values);
    }
    if (!isTombstone || !id.has(Kind.BODY)) {
      verify("id", id, message.id(), values);
    }
    if (message.key().isPresent() && !isTombstone && !key.has(Kind.RECORD_KEY)) {
      verify("key", key, message.key().get(), values);
    }
    if (message.correlationId().isPresent() && correlationId != null && !isTombstone) {
      verify("correlationId", correlationId, message.correlationId().get(), values);
    }
  }

  private static void verify(
      String attribute, ValueSource source, String expected, RecordValues values) {
    if (source.places().stream().anyMatch(place -> place.kind().isAdapters())) {
      return;
    }
    String found = values.find(source);
    if (!expected.equals(found)) {
      throw FormatErrors.unwritable(
          attribute
              + ": "
              + Checks.shorten(expected)
              + " (expected: "
              + (found == null ? "a value that readers find" : Checks.shorten(found))
              + ", in "
              + source
              + ")");
    }
  }
}
