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
 * Unfinished attempts on suspicious records: one small message, the marker, per attempt, in a queue
 * of the group. The broker's own delivery count proves nothing, since it also counts records that
 * were fetched and never handled.
 *
 * <p>A marker stays unacknowledged while its attempt runs. It is acknowledged when the attempt
 * ends, and returns to the queue if the process or the connection ends first. The process with the
 * active consumer owns the markers: their channel is closed with the consumer's channel.
 * Thread-safe; blocks.
 */
final class UnfinishedAttempts {

  /** Upper bound of acknowledgements that may be lost with a channel. */
  private static final int MAX_ENDED_ATTEMPTS = 1_000;

  private static final int PERSISTENT = 2;

  /** A marker that is unacknowledged on the channel of this process. */
  private record Marker(String attempt, long tag) {}

  /** Markers of all unfinished attempts, by record, on one channel. */
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

  /**
   * Attempts that ended in this process; a marker of one of them that is redelivered is deleted.
   */
  private final Set<String> endedAttempts = new LinkedHashSet<>();

  private @Nullable OpenMarkers openMarkers;

  UnfinishedAttempts(String queue, RabbitTransportConfig config, CommsRuntime runtime) {
    this.queue = queue;
    this.timeoutMillis = (int) config.operationTimeout().toMillis();
    this.runtime = runtime;
  }

  /**
   * An attempt whose start is stored.
   *
   * @param unfinishedBefore number of earlier attempts on the record that never ended
   */
  record Begun(String attempt, int unfinishedBefore) {}

  /**
   * Stores a marker before an attempt starts.
   *
   * @param consumer channel on which the record was received
   * @param record identifies the record over all its deliveries
   * @return the attempt with the number of earlier unfinished attempts on this record
   * @throws io.commslib.core.CommsException if it is not certain that the marker is stored
   */
  Begun begin(Channel consumer, String record) {
    lock.lock();
    try {
      OpenMarkers open = open(consumer);
      int before = open.markers.getOrDefault(record, List.of()).size();
      String attempt = Long.toHexString(runtime.random().nextLong());
      AMQP.BasicProperties properties =
          new AMQP.BasicProperties.Builder()
              .deliveryMode(PERSISTENT)
              .messageId(record)
              .correlationId(attempt)
              .build();
      open.channel.basicPublish("", queue, true, properties, new byte[0]);
      if (!open.channel.waitForConfirms(timeoutMillis)) {
        throw new IOException("refused by the broker (nack)");
      }
      fetch(open);
      if (find(open, record, attempt) == null) {
        throw new IOException("the marker is not in the queue");
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

  /** Deletes the marker of an attempt that has ended. Does not throw. */
  void end(String record, String attempt) {
    lock.lock();
    try {
      rememberEnded(attempt);
      OpenMarkers open = openMarkers;
      Marker marker = open == null ? null : find(open, record, attempt);
      if (open != null && marker != null) {
        open.markers.get(record).remove(marker);
        acknowledge(open, marker);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Deletes all markers of a settled record. Does not throw. */
  void forget(String record) {
    lock.lock();
    try {
      OpenMarkers open = openMarkers;
      List<Marker> markers = open == null ? null : open.markers.remove(record);
      if (open != null && markers != null) {
        markers.forEach(marker -> acknowledge(open, marker));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Returns all markers of a consumer to the queue. */
  void closeFor(Channel consumer) {
    lock.lock();
    try {
      OpenMarkers open = openMarkers;
      if (open != null && open.consumer == consumer) {
        close(open);
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
      throw new IOException("the connection has no free channel");
    }
    OpenMarkers open = new OpenMarkers(consumer, channel);
    openMarkers = open;
    channel.confirmSelect();
    fetch(open);
    return open;
  }

  /** Fetches all markers in the queue, which excludes those that are open already. */
  private void fetch(OpenMarkers open) throws IOException {
    for (GetResponse got = open.channel.basicGet(queue, false);
        got != null;
        got = open.channel.basicGet(queue, false)) {
      String record = String.valueOf(got.getProps().getMessageId());
      String attempt = String.valueOf(got.getProps().getCorrelationId());
      Marker marker = new Marker(attempt, got.getEnvelope().getDeliveryTag());
      if (endedAttempts.contains(attempt)) {
        acknowledge(open, marker);
      } else {
        open.markers.computeIfAbsent(record, none -> new ArrayList<>()).add(marker);
      }
    }
  }

  private static @Nullable Marker find(OpenMarkers open, String record, String attempt) {
    for (Marker marker : open.markers.getOrDefault(record, List.of())) {
      if (marker.attempt().equals(attempt)) {
        return marker;
      }
    }
    return null;
  }

  private void acknowledge(OpenMarkers open, Marker marker) {
    rememberEnded(marker.attempt());
    try {
      open.channel.basicAck(marker.tag(), false);
    } catch (IOException | RuntimeException e) {
      // The marker returns to the queue and is recognised there.
      close(open);
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

  private void close(@Nullable OpenMarkers open) {
    if (open != null) {
      openMarkers = openMarkers == open ? null : openMarkers;
      RabbitTopology.closeQuietly(open.channel);
    }
  }
}
