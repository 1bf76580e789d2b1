package io.commslib.examples.neighbours;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A plain format of its own: JSON with the id in its field {@code eventId}. */
public final class PlainJson implements MessageFormat {
  private static final JsonMapper JSON = new JsonMapper();
  private final String type;
  private final @Nullable String keyField;

  public PlainJson(String type, @Nullable String keyField) {
    this.type = type;
    this.keyField = keyField;
  }

  @Override
  public String name() {
    return "plain " + type;
  }

  @Override
  public boolean alwaysFindsId() {
    return true;
  }

  @Override
  public Optional<String> orderingKey(ForeignRecord record) {
    if (keyField == null) {
      return record.keyText();
    }
    return Optional.of(JSON.readTree(record.body()).get(keyField).asString());
  }

  @Override
  public Message read(ForeignRecord record) throws CodecException {
    JsonNode node = JSON.readTree(record.body());
    Message.Builder message =
        Message.builder(type)
            .id(node.get("eventId").asString())
            .source("/" + record.boundName())
            .contentType("application/json")
            .body(record.body());
    orderingKey(record).ifPresent(message::key);
    return message.build();
  }

  @Override
  public ForeignRecord write(Message message) {
    ForeignRecord.Builder record = ForeignRecord.builder().body(message.body());
    message.key().ifPresent(record::key);
    return record.build();
  }
}
