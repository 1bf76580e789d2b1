package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.outbox.BrokerProtocol.Answer;
import io.commslib.benchmarks.chaos.outbox.BrokerProtocol.Request;
import io.commslib.core.messaging.Message;
import io.commslib.testkit.Await;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;

/**
 * A broker in the main process, which is never killed: it keeps what it has confirmed, whatever
 * happens to the clients. Each connection is served in order by one thread.
 */
final class ChaosBroker implements AutoCloseable {

  /** Header: how often this message is refused before it is accepted. */
  static final String REFUSALS = "chaos-refusals";

  private final ServerSocket listener;
  private final BiConsumer<String, Message> sink;
  private final Map<String, Integer> refusalsByMessage = new ConcurrentHashMap<>();
  private final Set<String> refusedClients = ConcurrentHashMap.newKeySet();
  private final Set<String> withheldClients = ConcurrentHashMap.newKeySet();
  private final Map<String, ClientConnection> connections = new ConcurrentHashMap<>();
  private final Map<String, Countdown> countdowns = new ConcurrentHashMap<>();
  private final Map<String, AtomicInteger> refusalsByClient = new ConcurrentHashMap<>();

  private record Countdown(AtomicInteger remaining, Runnable action) {}

  /** One client. */
  private static final class ClientConnection {
    final Socket socket;
    final List<Request> unanswered = new ArrayList<>();
    final Map<String, Integer> fences = new HashMap<>();
    volatile boolean ended;

    ClientConnection(Socket socket) {
      this.socket = socket;
    }
  }

  /**
   * Opens a port.
   *
   * @param sink receives each message with the client's name, before the client gets the
   *     confirmation
   */
  ChaosBroker(BiConsumer<String, Message> sink) throws IOException {
    this.sink = sink;
    this.listener = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
    start(this::accept, "commslib-chaos-broker");
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Withholds the answers to a client's requests until they are all refused or confirmed. */
  void withholdAnswers(String client) {
    withheldClients.add(client);
  }

  /** Returns the number of the client's unanswered requests. */
  int unansweredRequests(String client) {
    ClientConnection connection = connections.get(client);
    if (connection == null) {
      return 0;
    }
    synchronized (connection) {
      return connection.unanswered.size();
    }
  }

  /** Refuses the client's unanswered requests and all later ones permanently. */
  void refuseAll(String client) {
    refusedClients.add(client);
    answerWithheld(client, Answer.REFUSED);
  }

  /** Accepts and confirms the client's unanswered requests, and answers later ones normally. */
  void confirmAll(String client) {
    answerWithheld(client, Answer.CONFIRMED);
  }

  private void answerWithheld(String client, Answer answer) {
    withheldClients.remove(client);
    ClientConnection connection = connections.get(client);
    if (connection == null) {
      return;
    }
    synchronized (connection) {
      try {
        DataOutputStream out =
            new DataOutputStream(new BufferedOutputStream(connection.socket.getOutputStream()));
        for (Request request : connection.unanswered) {
          if (answer == Answer.CONFIRMED) {
            sink.accept(client, request.message());
          }
          answer(out, request, answer);
        }
        out.flush();
      } catch (IOException e) {
        // The client has ended.
      }
      connection.unanswered.clear();
    }
  }

  /** Returns the number of permanently refused requests of a client. */
  int refusalsByClient(String client) {
    AtomicInteger count = refusalsByClient.get(client);
    return count == null ? 0 : count.get();
  }

  /** Runs an action once, right after this number of further confirmations to a client. */
  void afterConfirmations(String client, int count, Runnable action) {
    countdowns.put(client, new Countdown(new AtomicInteger(count), action));
  }

  /** Waits until all requests of a dead client are processed. */
  void awaitEnd(String client) {
    ClientConnection connection = connections.get(client);
    if (connection != null) {
      Await.until(
          client + "'s connection at its end", Duration.ofSeconds(60), () -> connection.ended);
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        socket.setTcpNoDelay(true);
        start(() -> serve(socket), "commslib-chaos-connection");
      } catch (IOException e) {
        return;
      }
    }
  }

  private static void start(Runnable body, String name) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void serve(Socket socket) {
    ClientConnection connection = new ClientConnection(socket);
    try (socket;
        DataInputStream in =
            new DataInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
        DataOutputStream out =
            new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16))) {
      String client = in.readUTF();
      connections.put(client, connection);
      while (true) {
        Request request = BrokerProtocol.read(in);
        boolean noMoreInput = in.available() == 0;
        synchronized (connection) {
          Optional<Answer> answer = decide(client, connection, request);
          if (answer.isPresent()) {
            answer(out, request, answer.get());
            if (noMoreInput) {
              out.flush();
            }
            if (answer.get() == Answer.CONFIRMED) {
              countDown(client, out);
            }
          }
        }
      }
    } catch (IOException | UncheckedIOException e) {
      // Clients are killed on purpose.
    } finally {
      connection.ended = true;
    }
  }

  private void countDown(String client, DataOutputStream out) throws IOException {
    Countdown countdown = countdowns.get(client);
    if (countdown != null && countdown.remaining().decrementAndGet() == 0) {
      out.flush();
      countdown.action().run();
    }
  }

  private Optional<Answer> decide(String client, ClientConnection connection, Request request) {
    if (withheldClients.contains(client)) {
      connection.unanswered.add(request);
      return Optional.empty();
    }
    Message message = request.message();
    String key = message.key().orElse("");
    Integer fence = connection.fences.get(key);
    if (fence != null && request.generation() <= fence) {
      return Optional.of(Answer.FENCED);
    }
    if (refusedClients.contains(client) || isRefused(message)) {
      if (message.key().isPresent()) {
        connection.fences.put(key, request.generation());
      }
      refusalsByClient.computeIfAbsent(client, name -> new AtomicInteger()).incrementAndGet();
      return Optional.of(Answer.REFUSED);
    }
    sink.accept(client, message);
    return Optional.of(Answer.CONFIRMED);
  }

  private boolean isRefused(Message message) {
    String wanted = message.headers().get(REFUSALS);
    if (wanted == null) {
      return false;
    }
    int before = refusalsByMessage.getOrDefault(message.id(), 0);
    if (before >= Integer.parseInt(wanted)) {
      return false;
    }
    refusalsByMessage.put(message.id(), before + 1);
    return true;
  }

  private static void answer(DataOutputStream out, Request request, Answer answer)
      throws IOException {
    out.writeLong(request.number());
    out.writeByte(answer.ordinal());
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (ClientConnection connection : connections.values()) {
      connection.socket.close();
    }
  }
}
