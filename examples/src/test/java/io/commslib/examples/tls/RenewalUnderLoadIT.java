package io.commslib.examples.tls;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tls.PeerIdentity;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.grpc.GrpcCalls;
import io.commslib.grpc.GrpcServer;
import io.commslib.grpc.GrpcTls;
import io.commslib.http.HttpService;
import io.commslib.http.server.ClientCertificate;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Certificates that are renewed under load; both sides of all connections have one identity. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RenewalUnderLoadIT {

  private static final int RENEWALS = 20;
  private static final int NEW_CONNECTIONS_EVERY = 10;

  /** An odd number, so that both certificates have their turn. */
  private static final int AWAIT_CALLS_EVERY = 5;

  private static final int MESSAGES = 5;
  private static final Destination TOPIC = Destination.topic("renewals");

  /** Their start is no part of the time of the test. */
  private static SecureBrokers brokers;

  private final List<AutoCloseable> open = new ArrayList<>();
  private final SystemRuntime runtime = add(SystemRuntime.create());

  /** A busy machine is no failed call. */
  private final Resilience resilience =
      add(
          Resilience.builder(runtime)
              .defaults(
                  CallPolicy.builder()
                      .deadline(Duration.ofSeconds(30))
                      .attemptTimeout(Duration.ofSeconds(25))
                      .build())
              .build());

  private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean isOver = new AtomicBoolean();
  private final Map<String, AtomicInteger> calls = new TreeMap<>();
  private final Map<String, Set<String>> callers = new ConcurrentHashMap<>();
  private final List<Thread> threads = new ArrayList<>();
  @TempDir Path folder;

  private <T extends AutoCloseable> T add(T closeable) {
    open.add(closeable);
    return closeable;
  }

  @BeforeAll
  static void start() throws Exception {
    brokers = SecureBrokers.start("server", "renewed");
  }

  @AfterAll
  static void stop() {
    brokers.close();
  }

  @AfterEach
  void close() throws Exception {
    isOver.set(true);
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private void write(Holder holder) {
    TestCertificates.shared().install(holder, folder.resolve("tls.crt"), folder.resolve("tls.key"));
  }

  private TlsIdentity identity() {
    write(Holder.RENEWED);
    return add(
        TlsIdentity.builder(
                folder.resolve("tls.crt"),
                folder.resolve("tls.key"),
                TestCertificates.shared().authority(),
                runtime)
            .checkInterval(Duration.ofMillis(100))
            .build());
  }

  private ManagedChannel channel(String service, TlsIdentity identity, Duration maxAge) {
    GrpcServer server =
        GrpcServer.builder(Grpc.newServerBuilderForPort(0, GrpcTls.server(identity)), resilience)
            .maxConnectionAge(maxAge)
            .drainDelay(Duration.ZERO)
            .service(TextCalls.service())
            .build();
    add(server::close);
    server.start();
    ManagedChannel channel =
        GrpcCalls.protect("localhost:" + server.port(), identity, resilience, service).build();
    add(channel::shutdownNow);
    return channel;
  }

  private HttpService service(TlsIdentity identity) {
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .route(
                "POST /peer",
                request ->
                    HttpAnswer.noContent()
                        .withHeader("X-Peer", request.peer().orElseThrow().subject()))
            .build();
    HttpServerComponent server =
        HttpServerComponent.builder("secure", routes, runtime)
            .host("127.0.0.1")
            .tls(identity, ClientCertificate.REQUIRED)
            .build();
    add(server::close);
    server.start();
    return HttpService.builder("over-http", URI.create("https://localhost:" + server.port()))
        .tls(identity)
        .build(resilience);
  }

  /** Calls all the time on two threads; the call is not repeated, and returns whom it was from. */
  private void load(String name, Supplier<String> call) {
    AtomicInteger made = new AtomicInteger();
    calls.put(name, made);
    Set<String> seen = ConcurrentHashMap.newKeySet();
    callers.put(name, seen);
    for (int i = 0; i < 2; i++) {
      Thread thread =
          new Thread(
              () -> {
                while (!isOver.get()) {
                  try {
                    seen.add(call.get());
                    made.incrementAndGet();
                  } catch (RuntimeException e) {
                    failures.add(e);
                  }
                }
              });
      threads.add(thread);
      thread.start();
    }
  }

  /** A topic on one broker, with a consumer that stays and a publisher that is replaced. */
  private final class Stream {
    private final Supplier<MessageTransport> connect;
    private final Set<String> handled = ConcurrentHashMap.newKeySet();
    private final List<String> published = new ArrayList<>();
    private MessageTransport publisher;

    Stream(Supplier<MessageTransport> connect) {
      this.connect = connect;
      this.publisher = connected();
      publisher
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(TOPIC, "check").build(),
              delivery -> {
                handled.add(delivery.message().id());
                return Settlement.done();
              });
    }

    private MessageTransport connected() {
      MessageTransport transport = add(connect.get());
      transport.declare(DestinationConfig.builder(TOPIC).partitions(1).group("check").build());
      return transport;
    }

    void reconnect() {
      publisher = connected();
    }

    void publish() throws Exception {
      for (int i = 0; i < MESSAGES; i++) {
        String id = "m-" + published.size();
        publisher
            .publisher()
            .publish(TOPIC, Message.builder("t").id(id).build())
            .toCompletableFuture()
            .get(20, TimeUnit.SECONDS);
        published.add(id);
      }
    }
  }

  /** Waits until all have called with the current certificate. */
  private void awaitCallsOf(TlsIdentity identity) {
    String current = PeerIdentity.of(identity.certificate()).subject();
    callers.values().forEach(Set::clear);
    Await.until(
        "all have used the new connections",
        () -> callers.values().stream().allMatch(seen -> seen.contains(current)));
  }

  @Test
  void twentyRenewalsUnderLoadFailNoCallAndLoseNoMessage() throws Exception {
    TlsIdentity identity = identity();
    List<Stream> streams =
        List.of(
            new Stream(() -> brokers.kafka(identity)), new Stream(() -> brokers.rabbit(identity)));
    // The server ends connections of the one; only the channel itself replaces those of the other.
    ManagedChannel aged = channel("over-grpc", identity, Duration.ofSeconds(1));
    ManagedChannel channel = channel("over-old-grpc", identity, Duration.ofHours(1));
    HttpService service = service(identity);
    load("aged grpc", () -> TextCalls.peer(aged));
    load("grpc", () -> TextCalls.peer(channel));
    load("https", () -> service.post("/peer").reply().header("X-Peer").orElse("none"));
    for (int i = 1; i <= RENEWALS; i++) {
      long before = identity.generation();
      write(i % 2 == 0 ? Holder.RENEWED : Holder.SERVER);
      Await.until("the renewal is taken", () -> identity.generation() > before);
      if (i % AWAIT_CALLS_EVERY == 0) {
        awaitCallsOf(identity);
      }
      for (Stream stream : streams) {
        if (i % NEW_CONNECTIONS_EVERY == 0) {
          stream.reconnect();
        }
        stream.publish();
      }
    }
    isOver.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.println("renewals: " + RENEWALS + ", calls: " + calls);
    assertThat(failures).isEmpty();
    assertThat(identity.generation()).isGreaterThan(RENEWALS);
    String current = PeerIdentity.of(identity.certificate()).subject();
    Await.until("the last one is in use", () -> TextCalls.peer(channel).equals(current));
    for (Stream stream : streams) {
      assertThat(stream.published).hasSize(RENEWALS * MESSAGES);
      Await.until("all are handled", () -> stream.handled.size() == stream.published.size());
    }
  }
}
