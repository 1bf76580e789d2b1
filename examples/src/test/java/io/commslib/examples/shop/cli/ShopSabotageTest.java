package io.commslib.examples.shop.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Subscriber;
import io.commslib.core.messaging.TransportCapabilities;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.examples.shop.messages.ShopMessages;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.storefront.InvoiceFile;
import io.commslib.jdbc.JdbcDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shows that each of the three counters of the check detects its fault. */
class ShopSabotageTest {

  private static final String HEADER = String.join(",", InvoiceFile.HEADER) + "\n";

  @TempDir Path folder;

  @Test
  void countsALostMessage() throws Exception {
    AtomicInteger number = new AtomicInteger();
    String out =
        run(
            real ->
                new Tampered(real, real.subscriber()) {
                  @Override
                  void publish(Destination to, Message message, Publisher publisher) {
                    if (to.equals(ShopMessages.SHIPPING) && number.incrementAndGet() == 3) {
                      return;
                    }
                    publisher.publish(to, message);
                  }
                });
    assertThat(out)
        .contains(
            "\"lost\":1,\"duplicateEffects\":0,\"outOfOrder\":0", "WRONG lost: 1 (expected: 0)");
  }

  @Test
  void countsADuplicateEffect() throws Exception {
    String out =
        run(
            real -> {
              Subscriber forgetful =
                  (config, handler) ->
                      real.subscriber()
                          .subscribe(
                              config.toBuilder()
                                  .transactional(
                                      config.transactions().orElseThrow(),
                                      new ForgetfulInbox(config.inbox().orElseThrow()))
                                  .build(),
                              handler);
              return new Tampered(real, forgetful) {
                @Override
                void publish(Destination to, Message message, Publisher publisher) {
                  publisher.publish(to, message);
                  if (message.type().equals("stock.release")) {
                    publisher.publish(to, message);
                  }
                }
              };
            });
    assertThat(out)
        .containsPattern("\"lost\":0,\"duplicateEffects\":[1-9]")
        .contains("WRONG duplicateEffects");
  }

  @Test
  void countsAnOvertakingMessage() throws Exception {
    List<Runnable> delayed = new ArrayList<>();
    String out =
        run(
            real ->
                new Tampered(real, real.subscriber()) {
                  @Override
                  void publish(Destination to, Message message, Publisher publisher) {
                    boolean keyed =
                        to.equals(ShopMessages.ORDER_INTAKE)
                            && message.key().orElse("").equals("c1");
                    synchronized (delayed) {
                      if (keyed && delayed.isEmpty()) {
                        delayed.add(() -> publisher.publish(to, message));
                        return;
                      }
                      publisher.publish(to, message);
                      if (keyed && delayed.size() == 1) {
                        delayed.add(() -> {});
                        delayed.get(0).run();
                      }
                    }
                  }
                });
    assertThat(out)
        .containsPattern("\"lost\":0,\"duplicateEffects\":0,\"outOfOrder\":[1-9]")
        .contains("WRONG outOfOrder");
  }

  private String run(UnaryOperator<MessageTransport> sabotage) throws Exception {
    StringBuilder lines = new StringBuilder(HEADER);
    for (int i = 0; i < 20; i++) {
      lines
          .append(i)
          .append(",A,d,1,t,1.50,")
          .append(i % 4 == 3 ? "" : "c" + i % 3)
          .append(",UK\n");
    }
    Path file = Files.writeString(folder.resolve("orders.csv"), lines);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ShopOptions options = ShopOptions.parse("--orders", file.toString());
    try (SystemRuntime runtime = SystemRuntime.create();
        Databases databases = Databases.h2(folder);
        InMemoryTransport real = InMemoryTransport.builder().runtime(runtime).build()) {
      MessageTransport tampered = sabotage.apply(real);
      ShopEnvironment environment =
          new ShopEnvironment() {
            @Override
            public MessageTransport transport(String service) {
              return new BorrowedTransport(tampered);
            }

            @Override
            public JdbcDatabase database(String service) {
              return databases.of(service);
            }

            @Override
            public SystemRuntime runtime() {
              return runtime;
            }

            @Override
            public int repeat() {
              return 1;
            }
          };
      PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
      ShopRun run = new ShopRun(options, environment, print, Duration.ofSeconds(3));
      int code =
          run.execute(
              file,
              InvoiceFile.read(file),
              new LocalServices(environment),
              Chaos.none(),
              java.util.Optional.empty());
      assertThat(code).isEqualTo(1);
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  /** A transport whose publishes a test can change; it confirms all of them. */
  private abstract static class Tampered implements MessageTransport {
    private final MessageTransport real;
    private final Subscriber subscriber;

    Tampered(MessageTransport real, Subscriber subscriber) {
      this.real = real;
      this.subscriber = subscriber;
    }

    abstract void publish(Destination to, Message message, Publisher publisher);

    @Override
    public Publisher publisher() {
      return (to, message) -> {
        publish(to, message, real.publisher());
        return CompletableFuture.completedStage(new PublishReceipt(message.id(), to, ""));
      };
    }

    @Override
    public Subscriber subscriber() {
      return subscriber;
    }

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

  /** An inbox that treats every message as new. */
  private record ForgetfulInbox(Inbox real) implements Inbox {
    @Override
    public boolean enter(TransactionContext tx, String consumer, @Nullable Message message) {
      return true;
    }

    @Override
    public Duration retention() {
      return real.retention();
    }

    @Override
    public long purge() {
      return real.purge();
    }

    @Override
    public DatabaseId database() {
      return real.database();
    }
  }
}
