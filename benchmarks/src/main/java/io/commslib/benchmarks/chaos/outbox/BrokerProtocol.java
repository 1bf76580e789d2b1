package io.commslib.benchmarks.chaos.outbox;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The protocol between {@link SocketTransport} and {@link ChaosBroker}. */
final class BrokerProtocol {

  /** The broker's answers. */
  enum Answer {
    CONFIRMED,
    REFUSED,
    FENCED
  }

  /**
   * A publish request.
   *
   * @param number the number of the request on its connection
   * @param generation the number of failures of the key that the client knew of
   * @param to the destination
   * @param message the message
   */
  record Request(long number, int generation, Destination to, Message message) {}

  private static final CloudEventsEnvelope ENVELOPE =
      new CloudEventsEnvelope(CloudEventsEnvelope.KAFKA_PREFIX);

  private BrokerProtocol() {}

  static void write(DataOutputStream out, Request request) throws IOException {
    ForeignRecord wire = ENVELOPE.write(request.message());
    out.writeLong(request.number());
    out.writeInt(request.generation());
    out.writeUTF(request.to().toString());
    out.writeBoolean(wire.keyText().isPresent());
    out.writeUTF(wire.keyText().orElse(""));
    out.writeInt(wire.texts().size());
    for (Map.Entry<String, String> header : wire.texts().entrySet()) {
      out.writeUTF(header.getKey());
      out.writeUTF(header.getValue());
    }
    byte[] body = wire.body();
    out.writeInt(body.length);
    out.write(body);
  }

  static Request read(DataInputStream in) throws IOException {
    long number = in.readLong();
    int generation = in.readInt();
    Destination to = Destination.parse(in.readUTF());
    boolean keyed = in.readBoolean();
    String key = in.readUTF();
    Map<String, String> headers = new LinkedHashMap<>();
    for (int count = in.readInt(); count > 0; count--) {
      String name = in.readUTF();
      headers.put(name, in.readUTF());
    }
    byte[] body = in.readNBytes(in.readInt());
    Message message = ENVELOPE.read(new ForeignRecord(keyed ? key : null, headers, body));
    return new Request(number, generation, to, message);
  }
}
