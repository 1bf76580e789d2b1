package io.commslib.testkit.inmemory;

import io.commslib.core.codec.Codec;
import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jackson.MassTransitFormat;
import io.commslib.jackson.PlainFormat;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.contract.FormatContract;
import io.commslib.testkit.contract.RawRecord;
import java.util.Map;

/** Formats on the in-memory transport. */
class InMemoryFormatTest extends FormatContract {

  @Override
  protected BadInputHarness createHarness(CommsObserver observer) {
    return new Harness(new InMemoryHarness(observer));
  }

  @Override
  protected PlainFormatBuilder plainJson() {
    return PlainFormat.json();
  }

  @Override
  protected MessageFormat massTransit(Map<String, String> types) {
    return MassTransitFormat.of(types);
  }

  private record Harness(InMemoryHarness memory) implements BadInputHarness {

    @Override
    public MessageTransport transport() {
      return memory.transport();
    }

    @Override
    public void publishForeign(Destination to, String key, byte[] body) {
      memory.publishForeign(to, key, body);
    }

    @Override
    public void publishRecord(Destination to, RawRecord record) {
      ForeignRecord.Builder raw = ForeignRecord.builder();
      record.headers().forEach(header -> raw.header(header.name(), header.value()));
      if (record.key() != null) {
        raw.key(record.key());
      }
      if (record.body() != null) {
        raw.body(record.body());
      }
      ((InMemoryTransport) transport()).publishRaw(to, raw.build());
    }

    @Override
    public String attributePrefix() {
      return "ce_";
    }

    @Override
    public Codec jsonCodec() {
      return JacksonCodec.create();
    }

    @Override
    public int maxMessageBytes() {
      return memory.maxMessageBytes();
    }

    @Override
    public void close() {
      memory.close();
    }
  }
}
