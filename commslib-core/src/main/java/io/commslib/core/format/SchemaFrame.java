package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.function.IntFunction;

/** The five bytes before a body that name its schema: zero, and the id as a big-endian number. */
final class SchemaFrame {

  private static final byte MAGIC = 0;
  private static final int LENGTH = 5;

  private final IntFunction<Optional<ConfluentFormat.Schema>> schemas;
  private final Function<ConfluentFormat.Schema, OptionalInt> ids;

  SchemaFrame(
      IntFunction<Optional<ConfluentFormat.Schema>> schemas,
      Function<ConfluentFormat.Schema, OptionalInt> ids) {
    this.schemas = schemas;
    this.ids = ids;
  }

  void read(ForeignRecord record, RecordMessage message) {
    ByteBuffer body = record.bodyBuffer();
    if (body.remaining() < LENGTH) {
      throw FormatErrors.invalid(
          "body: " + body.remaining() + " bytes (expected: a zero and a schema id of 4 bytes)");
    }
    byte magic = body.get();
    if (magic != MAGIC) {
      throw FormatErrors.invalid(
          "first byte: " + magic + " (expected: 0, before a schema id of 4 bytes)");
    }
    int id = body.getInt();
    ConfluentFormat.Schema schema =
        schemas
            .apply(id)
            .orElseThrow(
                () ->
                    new io.commslib.core.CodecException(
                        FormatErrors.UNKNOWN_SCHEMA,
                        "schema id: " + id + " (expected: one that the format knows)",
                        null));
    message.type(schema.type()).version(schema.version()).body(body);
  }

  byte[] write(Message message) {
    ConfluentFormat.Schema schema = new ConfluentFormat.Schema(message.type(), message.version());
    OptionalInt id = ids.apply(schema);
    if (id.isEmpty()) {
      throw FormatErrors.unwritable(
          "type: "
              + Checks.shorten(message.type())
              + " v"
              + message.version()
              + " (expected: one whose schema id the format knows)");
    }
    return ByteBuffer.allocate(LENGTH + message.bodyLength())
        .put(MAGIC)
        .putInt(id.getAsInt())
        .put(message.bodyView())
        .array();
  }
}
