package io.commslib.testkit.inmemory;

import io.commslib.core.codec.Codec;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.observe.CommsObserver;
import io.commslib.jackson.JacksonCodec;
import io.commslib.testkit.contract.BadInputContract;
import io.commslib.testkit.contract.BadInputHarness;
import io.commslib.testkit.contract.RawRecord;
import java.nio.charset.StandardCharsets;

/** The catalogue of bad input on the in-memory transport. */
class InMemoryBadInputTest extends BadInputContract {

  @Override
  protected BadInputHarness createHarness(CommsObserver observer) {
    return new Harness(new InMemoryHarness(observer));
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
      HeaderTexts.Builder headers = HeaderTexts.builder(record.headers().size());
      record.headers().forEach(header -> headers.add(header.name(), header.value()));
      byte[] body = record.body() == null ? new byte[0] : record.body();
      String key = record.key() == null ? null : text(record.key());
      ((InMemoryTransport) transport())
          .publishRaw(to, new ForeignRecord(key, headers.build(), body));
    }

    private static String text(byte[] bytes) {
      return new String(bytes, StandardCharsets.UTF_8);
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
