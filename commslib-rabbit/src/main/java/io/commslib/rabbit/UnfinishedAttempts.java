package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.GetResponse;
import io.commslib.core.time.CommsRuntime;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which attempts on suspicious records have begun and have not ended: one small message for each,
 * in a queue of the group. The broker's own count of deliveries proves nothing, since it counts
 * records that were fetched and never begun.
 *
 * <p>A note is held unacknowledged while its attempt runs. It is acknowledged when the attempt
 * ends, and returns to the queue when the process or the connection ends first. Notes are held by
 * the process whose consumer is active: the channel of notes ends with the consumer's channel.
 * Thread-safe; blocks.
 */
final class UnfinishedAttempts {

  /** Acknowledgements that may be lost with a channel; far more than can be on their way. */
  private static final int MAX_ENDED_ATTEMPTS = 1_000;

  private static final int PERSISTENT = 2;

  /** A note that this process holds. */
  private record Marker(String attempt, long tag) {}

  /** The notes of all attempts that have not ended, by record, on one channel. */
  private static final class OpenMarkers {
    final Channel consumer;
    final Channel channel;
    final Map<String, List<Marker>> markers = new HashMap<>();

    OpenMarkers(Channel consumer, Channel channel) {
      this.consumer = consumer;
      this.channel = channel;
    }
  }

  private final String queue;
  private final int timeoutMillis;
  private final CommsRuntime runtime;
  private final ReentrantLock lock = new ReentrantLock();

  /** Attempts that ended in this process: a note of one that is found again proves nothing. */
  private final Set<String> endedAttempts = new LinkedHashSet<>();

  private @Nullable OpenMarkers openMarkers;

  UnfinishedAttempts(String queue, RabbitTransportConfig config, CommsRuntime runtime) {
    this.queue = queue;
    this.timeoutMillis = (int) config.operationTimeout().toMillis();
    this.runtime = runtime;
  }

  /** An attempt whose beginning was noted. */
  record Begun(String attempt, int unfinishedBefore) {}

  /**
   * Notes that an attempt begins.
   *
   * @param consumer channel on which the record was received
   * @param record identifies the record over deliveries
   * @return the attempt, and how many earlier ones on this record have not ended
   * @throws io.commslib.core.CommsException if it is not certain that the note is kept
   */
  Begun begin(Channel consumer, String record) {
    lock.lock();
    try {
      OpenMarkers now = open(consumer);
      int before = now.markers.getOrDefault(record, List.of()).size();
      String attempt = Long.toHexString(runtime.random().nextLong());
      AMQP.BasicProperties properties =
          new AMQP.BasicProperties.Builder()
              .deliveryMode(PERSISTENT)
              .messageId(record)
              .correlationId(attempt)
              .build();
      now.channel.basicPublish("", queue, true, properties, new byte[0]);
      if (!now.channel.waitForConfirms(timeoutMillis)) {
        throw new IOException("refused by the broker (nack)");
      }
      fetch(now);
      if (find(now, record, attempt) == null) {
        throw new IOException("the note is not in the queue");
      }
      return new Begun(attempt, before);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw RabbitErrors.attemptMarker(queue, e);
    } catch (TimeoutException e) {
      close(openMarkers);
      throw RabbitErrors.attemptMarker(
          queue,
          new IOException(
              "no confirm (expected: one within " + timeoutMillis + " ms, operationTimeout)", e));
    } catch (IOException | RuntimeException e) {
      close(openMarkers);
      throw RabbitErrors.attemptMarker(queue, e);
    } finally {
      lock.unlock();
    }
  }

  /** Removes the note of an attempt that has ended. Does not throw. */
  void end(String record, String attempt) {
    lock.lock();
    try {
      rememberEnded(attempt);
      OpenMarkers now = openMarkers;
      Marker note = now == null ? null : find(now, record, attempt);
      if (now != null && note != null) {
        now.markers.get(record).remove(note);
        acknowledge(now, note);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Removes all notes of a record that is settled. Does not throw. */
  void forget(String record) {
    lock.lock();
    try {
      OpenMarkers now = openMarkers;
      List<Marker> notes = now == null ? null : now.markers.remove(record);
      if (now != null && notes != null) {
        notes.forEach(note -> acknowledge(now, note));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives back all notes that are held for a consumer. */
  void closeFor(Channel consumer) {
    lock.lock();
    try {
      OpenMarkers now = openMarkers;
      if (now != null && now.consumer == consumer) {
        close(now);
      }
    } finally {
      lock.unlock();
    }
  }

  private OpenMarkers open(Channel consumer) throws IOException {
    OpenMarkers known = openMarkers;
    if (known != null && known.consumer == consumer && known.channel.isOpen()) {
      return known;
    }
    close(known);
    if (!consumer.isOpen()) {
      throw new IOException("the channel of the record is lost");
    }
    Channel channel = consumer.getConnection().createChannel();
    if (channel == null) {
      throw new IOException("no channel is left on the connection");
    }
    OpenMarkers now = new OpenMarkers(consumer, channel);
    openMarkers = now;
    channel.confirmSelect();
    fetch(now);
    return now;
  }

  /** Takes what is in the queue; what is held is not in it. */
  private void fetch(OpenMarkers now) throws IOException {
    for (GetResponse got = now.channel.basicGet(queue, false);
        got != null;
        got = now.channel.basicGet(queue, false)) {
      String record = String.valueOf(got.getProps().getMessageId());
      String attempt = String.valueOf(got.getProps().getCorrelationId());
      Marker note = new Marker(attempt, got.getEnvelope().getDeliveryTag());
      if (endedAttempts.contains(attempt)) {
        acknowledge(now, note);
      } else {
        now.markers.computeIfAbsent(record, none -> new ArrayList<>()).add(note);
      }
    }
  }

  private static @Nullable Marker find(OpenMarkers now, String record, String attempt) {
    for (Marker note : now.markers.getOrDefault(record, List.of())) {
      if (note.attempt().equals(attempt)) {
        return note;
      }
    }
    return null;
  }

  private void acknowledge(OpenMarkers now, Marker note) {
    rememberEnded(note.attempt());
    try {
      now.channel.basicAck(note.tag(), false);
    } catch (IOException | RuntimeException e) {
      // The note returns to the queue and is recognised there.
      close(now);
    }
  }

  private void rememberEnded(String attempt) {
    endedAttempts.add(attempt);
    if (endedAttempts.size() > MAX_ENDED_ATTEMPTS) {
      Iterator<String> oldest = endedAttempts.iterator();
      oldest.next();
      oldest.remove();
    }
  }

  private void close(@Nullable OpenMarkers now) {
    if (now != null) {
      openMarkers = openMarkers == now ? null : openMarkers;
      RabbitTopology.closeQuietly(now.channel);
    }
  }
}
