package io.commslib.benchmarks.chaos.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.benchmarks.chaos.ErrorPlan;
import io.commslib.core.CommsException;
import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxRelay;
import io.commslib.testkit.faults.CrashPoints;
import io.commslib.testkit.history.HistoryWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/**
 * An application in a separate process. It writes, relays and redrives parked rows, depending on
 * its arguments, until its input ends or it dies at its crash point.
 */
public final class ChildMain {

  /** The line it prints when it is ready. */
  static final String READY = "ready";

  private static final long REDRIVE_PAUSE_NANOS = 50_000_000;

  private final Map<String, String> arguments;
  private final CrashPoints points = CrashPoints.fromProperty();
  private volatile boolean stopped;

  private ChildMain(Map<String, String> arguments) {
    this.arguments = arguments;
  }

  /** Arguments are {@code NAME=VALUE}; see {@link ChildSettings}. */
  public static void main(String[] texts) throws Exception {
    Map<String, String> arguments = new HashMap<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      arguments.put(text.substring(0, equals), text.substring(equals + 1));
    }
    new ChildMain(arguments).run();
  }

  private String get(String name) {
    String value = arguments.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + ": missing");
    }
    return value;
  }

  private void run() throws Exception {
    Set<String> roles = Set.of(get("roles").split("\\+"));
    OutboxSaboteur saboteur = OutboxSaboteur.valueOf(get("saboteur"));
    try (HikariDataSource pool =
            ChaosDatabase.pool(get("url"), get("user"), Integer.parseInt(get("pool")));
        CommsRuntime runtime =
            new SkewedClockRuntime(SystemRuntime.create(), Duration.parse(get("shift")))) {
      DataSource source = points.around(saboteur.wrap(pool), StatementNames::name);
      JdbcDatabase database = JdbcDatabase.builder(source).schema(get("schema")).build();
      JdbcOutbox outbox =
          JdbcOutbox.create(database, ChildSettings.config(Integer.parseInt(get("attempts"))));
      if (roles.contains("relay")) {
        SocketTransport transport =
            new SocketTransport(
                Integer.parseInt(get("broker")), get("name"), get("fence").equals("true"), points);
        Publisher publisher = saboteur.wrap(transport.publisher());
        OutboxRelay.create(
                outbox,
                new SabotagedTransport(
                    transport,
                    get("errors").equals("true") ? new ErrorPlan().wrap(publisher) : publisher),
                runtime)
            .start();
      }
      if (roles.contains("write")) {
        start("write", () -> write(database, outbox));
      }
      if (roles.contains("redrive")) {
        start("redrive", () -> redrive(new ParkedRowRedriver(database)));
      }
      System.out.println(READY);
      while (System.in.read() >= 0) {
        // The parent process ends this one by closing its input, also when it dies.
      }
      stopped = true;
      // Ends without draining: the next process takes over the rows.
      Runtime.getRuntime().halt(0);
    }
  }

  private interface ThreadBody {
    void run() throws Exception;
  }

  private static void start(String name, ThreadBody body) {
    Thread thread =
        new Thread(
            () -> {
              try {
                body.run();
              } catch (Exception e) {
                e.printStackTrace();
                Runtime.getRuntime().halt(3);
              }
            },
            "commslib-chaos-" + name);
    thread.start();
  }

  private void write(JdbcDatabase database, JdbcOutbox outbox) throws Exception {
    try (HistoryWriter history =
        HistoryWriter.open(Path.of(get("history")), "chaos", get("name"))) {
      ChaosWriter writer =
          new ChaosWriter(
              get("writer"),
              get("name"),
              outbox,
              points.around(JdbcTransactionRunner.create(database)),
              new ChaosTables(database),
              history,
              ChaosWriter.Load.MIXED,
              new Random(Long.parseLong(get("seed"))));
      while (!stopped) {
        writer.write();
        LockSupport.parkNanos(2_000_000);
      }
    }
  }

  private void redrive(ParkedRowRedriver operator) {
    while (!stopped) {
      try {
        if (operator.redriveOldest(100) == 0) {
          LockSupport.parkNanos(REDRIVE_PAUSE_NANOS);
        }
      } catch (CommsException e) {
        LockSupport.parkNanos(REDRIVE_PAUSE_NANOS);
      }
    }
  }

  /**
   * The transport with a publisher that can be a saboteur.
   *
   * @param real the transport for everything else
   * @param publisher the publisher
   */
  private record SabotagedTransport(SocketTransport real, Publisher publisher)
      implements MessageTransport {

    @Override
    public String name() {
      return real.name();
    }

    @Override
    public TransportCapabilities capabilities() {
      return real.capabilities();
    }

    @Override
    public TransportCapabilities capabilities(Destination destination) {
      return real.capabilities(destination);
    }

    @Override
    public void declare(DestinationConfig config) {
      real.declare(config);
    }

    @Override
    public Subscriber subscriber() {
      return real.subscriber();
    }

    @Override
    public DeadLetters deadLetters() {
      return real.deadLetters();
    }

    @Override
    public Health health() {
      return real.health();
    }

    @Override
    public void close() {
      real.close();
    }
  }
}
