package io.commslib.core.messaging;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of a record that was made with a builder. */
final class BuiltRecord implements RecordOrigin {

  private final byte @Nullable [] key;
  private final List<RecordHeader> headers;
  private final boolean hasBody;
  private final @Nullable String exchange;
  private final @Nullable String routingKey;
  private final Map<String, Object> properties;
  private final @Nullable RecordPosition position;
  private final String boundName;
  private final @Nullable String assignedId;

  BuiltRecord(ForeignRecord.Builder builder) {
    this.key = builder.key;
    this.headers = Collections.unmodifiableList(new ArrayList<>(builder.headers));
    this.hasBody = builder.body != null;
    this.exchange = builder.exchange;
    this.routingKey = builder.routingKey;
    this.properties = Collections.unmodifiableMap(new LinkedHashMap<>(builder.properties));
    this.position = builder.position;
    this.boundName = builder.boundName;
    this.assignedId = builder.assignedId;
  }

  @Override
  public byte @Nullable [] key() {
    return key;
  }

  @Override
  public List<RecordHeader> headers() {
    return headers;
  }

  @Override
  public boolean hasBody() {
    return hasBody;
  }

  @Override
  public @Nullable String exchange() {
    return exchange;
  }

  @Override
  public @Nullable String routingKey() {
    return routingKey;
  }

  @Override
  public Map<String, Object> properties() {
    return properties;
  }

  @Override
  public @Nullable RecordPosition position() {
    return position;
  }

  @Override
  public String boundName() {
    return boundName;
  }

  @Override
  public @Nullable String assignedId() {
    return assignedId;
  }
}
