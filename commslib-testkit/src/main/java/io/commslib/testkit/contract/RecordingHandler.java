package io.commslib.testkit.contract;

import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Settlement;
import java.util.ArrayList;
import java.util.List;

/** A handler that records its deliveries in the order of the calls. Thread-safe. */
final class RecordingHandler implements MessageHandler {

  record Seen(Message message, int attempt, int redriveCount, long nanos) {}

  private final MessageHandler answer;
  private final List<Seen> seen = new ArrayList<>();

  private RecordingHandler(MessageHandler answer) {
    this.answer = answer;
  }

  static RecordingHandler done() {
    return answering(delivery -> Settlement.done());
  }

  static RecordingHandler answering(MessageHandler answer) {
    return new RecordingHandler(answer);
  }

  @Override
  public Settlement handle(Delivery delivery) throws Exception {
    Seen now =
        new Seen(
            delivery.message(), delivery.attempt(), delivery.redriveCount(), System.nanoTime());
    synchronized (seen) {
      seen.add(now);
    }
    return answer.handle(delivery);
  }

  @Override
  public boolean acceptsUnknownTypes() {
    return answer.acceptsUnknownTypes();
  }

  List<Seen> seen() {
    synchronized (seen) {
      return List.copyOf(seen);
    }
  }

  int count() {
    synchronized (seen) {
      return seen.size();
    }
  }

  List<String> ids() {
    return seen().stream().map(one -> one.message().id()).toList();
  }

  /** Returns the attempt numbers of one message in the order of the calls. */
  List<Integer> attempts(String id) {
    return seen().stream().filter(one -> one.message().id().equals(id)).map(Seen::attempt).toList();
  }

  /** Returns the ids of one key in the order of their first calls. */
  List<String> firstOfKey(String key) {
    return seen().stream()
        .filter(one -> one.message().key().filter(key::equals).isPresent())
        .map(one -> one.message().id())
        .distinct()
        .toList();
  }
}
