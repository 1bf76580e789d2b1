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
  private static final int MAX_REMEMBERED = 1_000;

  private static final int PERSISTENT = 2;

  /** A note that this process holds. */
  private record Note(String attempt, long tag) {}

  /** The notes of all attempts that have not ended, by record, on one channel. */
  private static final class Held {
    final Channel consumer;
    final Channel channel;
    final Map<String, List<Note>> notes = new HashMap<>();

    Held(Channel consumer, Channel channel) {
      this.consumer = consumer;
      this.channel = channel;
    }
  }

  private final String queue;
  private final int timeoutMillis;
  private final CommsRuntime runtime;
  private final ReentrantLock lock = new ReentrantLock();

  /** Attempts that ended in this process: a note of one that is found again proves nothing. */
  private final Set<String> ended = new LinkedHashSet<>();

  private @Nullable Held held;

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
      Held now = open(consumer);
      int before = now.notes.getOrDefault(record, List.of()).size();
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
      throw RabbitErrors.note(queue, e);
    } catch (TimeoutException e) {
      close(held);
      throw RabbitErrors.note(
          queue,
          new IOException(
              "no confirm (expected: one within " + timeoutMillis + " ms, operationTimeout)", e));
    } catch (IOException | RuntimeException e) {
      close(held);
      throw RabbitErrors.note(queue, e);
    } finally {
      lock.unlock();
    }
  }

  /** Removes the note of an attempt that has ended. Does not throw. */
  void end(String record, String attempt) {
    lock.lock();
    try {
      remember(attempt);
      Held now = held;
      Note note = now == null ? null : find(now, record, attempt);
      if (now != null && note != null) {
        now.notes.get(record).remove(note);
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
      Held now = held;
      List<Note> notes = now == null ? null : now.notes.remove(record);
      if (now != null && notes != null) {
        notes.forEach(note -> acknowledge(now, note));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives back all notes that are held for a consumer. */
  void leave(Channel consumer) {
    lock.lock();
    try {
      Held now = held;
      if (now != null && now.consumer == consumer) {
        close(now);
      }
    } finally {
      lock.unlock();
    }
  }

  private Held open(Channel consumer) throws IOException {
    Held known = held;
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
    Held now = new Held(consumer, channel);
    held = now;
    channel.confirmSelect();
    fetch(now);
    return now;
  }

  /** Takes what is in the queue; what is held is not in it. */
  private void fetch(Held now) throws IOException {
    for (GetResponse got = now.channel.basicGet(queue, false);
        got != null;
        got = now.channel.basicGet(queue, false)) {
      String record = String.valueOf(got.getProps().getMessageId());
      String attempt = String.valueOf(got.getProps().getCorrelationId());
      Note note = new Note(attempt, got.getEnvelope().getDeliveryTag());
      if (ended.contains(attempt)) {
        acknowledge(now, note);
      } else {
        now.notes.computeIfAbsent(record, none -> new ArrayList<>()).add(note);
      }
    }
  }

  private static @Nullable Note find(Held now, String record, String attempt) {
    for (Note note : now.notes.getOrDefault(record, List.of())) {
      if (note.attempt().equals(attempt)) {
        return note;
      }
    }
    return null;
  }

  private void acknowledge(Held now, Note note) {
    remember(note.attempt());
    try {
      now.channel.basicAck(note.tag(), false);
    } catch (IOException | RuntimeException e) {
      // The note returns to the queue and is recognised there.
      close(now);
    }
  }

  private void remember(String attempt) {
    ended.add(attempt);
    if (ended.size() > MAX_REMEMBERED) {
      Iterator<String> oldest = ended.iterator();
      oldest.next();
      oldest.remove();
    }
  }

  private void close(@Nullable Held now) {
    if (now != null) {
      held = held == now ? null : held;
      RabbitTopology.closeQuietly(now.channel);
    }
  }
}
