package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Command;
import com.rabbitmq.client.TrafficListener;
import io.commslib.core.CommsException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.Workers;
import io.commslib.testkit.Await;
import io.commslib.testkit.ForwardingRuntime;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.RabbitServer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A transport that is closed while it connects, at each step of the protocol. */
class ClosingWhileConnectingIT {

  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final int ROUNDS = 60;

  /** More than the commands that a transport exchanges until its first consumer has started. */
  private static final int STEPS = 45;

  /** Longer than a close that has nothing to close. */
  private static final int CLOSE_MILLIS = 40;

  /** Remembers all threads that the transports start. */
  private static final class Threads extends ForwardingRuntime {
    final Queue<Thread> started = new ConcurrentLinkedQueue<>();

    Threads() {
      super(SystemRuntime.platformThreads());
    }

    @Override
    public Thread newThread(String name, Runnable body) {
      Thread thread = super.newThread(name, body);
      started.add(thread);
      return thread;
    }

    @Override
    public Workers newWorkers(String name, int threads) {
      Workers workers = super.newWorkers(name, 1);
      workers.execute(() -> started.add(Thread.currentThread()));
      return workers;
    }

    List<String> alive() {
      return started.stream().filter(Thread::isAlive).map(Thread::getName).toList();
    }
  }

  /** Closes the transport from another thread at a given command. */
  private static final class Closing implements TrafficListener {
    private final AtomicInteger steps;
    private volatile RabbitTransport transport;

    Closing(int step) {
      steps = new AtomicInteger(step);
    }

    @Override
    public void write(Command command) {
      step();
    }

    @Override
    public void read(Command command) {
      step();
    }

    private void step() {
      if (steps.getAndDecrement() == 0) {
        Await.until("created", LIMIT, () -> transport != null);
        Thread closing = new Thread(transport::close);
        closing.start();
        try {
          closing.join(CLOSE_MILLIS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  @Test
  void leavesNeitherAConnectionNorAThread() throws Exception {
    URI uri = URI.create(RabbitServer.shared().uri());
    Destination queue = Destination.queue("closed-while-connecting");
    Threads threads = new Threads();
    try (TcpFaultProxy proxy =
        TcpFaultProxy.to(new InetSocketAddress(uri.getHost(), uri.getPort()))) {
      String through = "amqp://" + uri.getUserInfo() + "@127.0.0.1:" + proxy.port();
      for (int round = 0; round < ROUNDS; round++) {
        Closing closing = new Closing(round % STEPS);
        RabbitTransport transport =
            RabbitTransport.create(
                RabbitTransportConfig.builder(through)
                    .runtime(threads)
                    .observer(CommsObserver.none())
                    .nativeSettings(factory -> factory.setTrafficListener(closing))
                    .build());
        closing.transport = transport;
        use(transport, queue);
        transport.close();
      }
      Await.until("no connection is left", LIMIT, () -> proxy.connections() == 0);
      Await.until("no thread is left", LIMIT, () -> threads.alive().isEmpty());
      assertThat(proxy.accepted()).isGreaterThanOrEqualTo(ROUNDS);
    } finally {
      threads.close();
    }
  }

  private static void use(RabbitTransport transport, Destination queue) {
    try {
      transport.declare(DestinationConfig.builder(queue).build());
      transport
          .subscriber()
          .subscribe(SubscriptionConfig.builder(queue).build(), delivery -> Settlement.done());
    } catch (CommsException e) {
      // Closed in the meantime.
      assertThat(e).hasMessageContaining("COMMS-");
    }
  }
}
