package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * {@code Failures} decides the meaning of a failure over the whole chain of causes. Each other
 * place of the library's code that checks a single failure of the chain has a row in a table here
 * with the reason why that is right.
 */
class FailureSitesTest {

  /** A check of the next cause or of the class of one failure, or a catch of a wrapper. */
  private static final Pattern SITE =
      Pattern.compile(
          "(getCause\\(\\))|((?:Failures\\.unwrapped\\(\\w+\\) )?instanceof"
              + " [\\w.]*(?:Exception|Throwable))\\b|(instanceof Error \\w+ &&"
              + " Failures\\.isJvmFailure)|(catch \\([\\w.|"
              + " ]*(?:\\b(?:Comms|Store|Publish|Codec|Transport|Subscribe|Saga|Refused|DefinitionFailed|Completion|Execution|InvocationTarget)Exception)[\\w.|"
              + " ]*\\))");

  /**
   * These classes may check single failures: it is their task. The first three read one client
   * each.
   */
  private static final Set<String> READERS =
      Set.of(
          "KafkaErrors",
          "RabbitErrors",
          "SqlErrors",
          "SqlCondition",
          "DatabaseFailures",
          "RedactedFailure",
          "Failures");

  private static final Map<String, String> REASONS =
      Map.ofEntries(
          Map.entry("AsyncFallback: instanceof Exception", "an Error is passed on unchanged"),
          Map.entry(
              "AttemptRunner: catch (CodecException e)",
              "the library's own decoder throws it itself; all else is classified over the chain"),
          Map.entry(
              "BlockingCall: instanceof InterruptedException",
              "only the thread's own interrupt; a wrapped one is an answer of the work"),
          Map.entry(
              "BrokerWatch: instanceof AuthorizationException",
              "of an unwrapped failure; in doubt the cluster counts as down"),
          Map.entry("BrokerWatch: instanceof UnsupportedVersionException", "the same"),
          Map.entry(
              "DeadLettering: instanceof CodecException",
              "recorded by the attempt that caught it; in doubt the watch does not count it"),
          Map.entry(
              "InMemoryTransport: catch (PublishException e)", "thrown by the write before it"),
          Map.entry("HttpReply: catch (CodecException e)", "the codec throws it itself"),
          Map.entry("AttemptFailure: getCause()", "that of a status, which is kept"),
          Map.entry("ClientAttempt: getCause() x2", "that of a status, which a wire has none of"),
          Map.entry("GrpcErrors: getCause() x2", "that of a status, whose chain is read"),
          Map.entry("HandlerFailures: getCause() x2", "that of a status, whose chain is read"),
          Map.entry("ProtectedCall: getCause()", "that of a status, which is passed on"),
          Map.entry(
              "ProtectedCall: instanceof TimeoutException", "gRPC's own, of an expired context"),
          Map.entry(
              "EndpointPermit: instanceof RuntimeException",
              "only of the work itself, with a status that the classifier does not know"),
          Map.entry("HttpOutcomes: instanceof HttpConnectTimeoutException", "the client's own"),
          Map.entry("HttpOutcomes: instanceof HttpTimeoutException", "the client's own"),
          Map.entry("HttpOutcomes: instanceof SSLHandshakeException", "the client's own"),
          Map.entry(
              "ProtectedHttpClient: instanceof CallException",
              "unwrapped before, and the engine throws no wrapped one"),
          Map.entry(
              "ProtectedHttpClient: instanceof InterruptedException", "made two lines before"),
          Map.entry("ServiceCall: instanceof RuntimeException", "passed on unchanged"),
          Map.entry("AnswerStream: instanceof IOException", "kept as the client reports it"),
          Map.entry(
              "StreamedCall: instanceof HttpTimeoutException", "made by its own stream for a wait"),
          Map.entry("StreamedCall: instanceof IOException", "passed on unchanged"),
          Map.entry(
              "StreamedCall: instanceof InterruptedException",
              "thrown by the reader itself, without a read that has noted it"),
          Map.entry("StreamedCall: catch (ExecutionException e)", "unwraps it, as send does"),
          Map.entry("StreamedCall: getCause() x2", "unwraps it, as send does"),
          Map.entry("KafkaTransport: catch (CodecException e)", "thrown by its own conversion"),
          Map.entry("KafkaTransport: catch (PublishException e)", "thrown by the write before it"),
          Map.entry(
              "KafkaTransport: catch (SubscribeException e)",
              "made by the declaration before it; throws it on unless the port speaks TLS"),
          Map.entry(
              "RabbitConsumer: catch (SubscribeException e)", "made by the declaration before it"),
          Map.entry(
              "RabbitConsumer: instanceof SubscribeException",
              "made by the declaration or the proof before it; all others have the broker's text"),
          Map.entry(
              "PlainClassifier: instanceof CallException",
              "an exception around it is an answer of plain code, whatever caused it"),
          Map.entry("PlainClassifier: instanceof InterruptedException", "the same"),
          Map.entry("PlainClassifier: instanceof IOException", "the same"),
          Map.entry("PlainClassifier: instanceof ConnectException", "the same"),
          Map.entry("PlainClassifier: instanceof NoRouteToHostException", "the same"),
          Map.entry("PlainClassifier: instanceof UnknownHostException", "the same"),
          Map.entry("PlainClassifier: instanceof SocketTimeoutException", "the same"),
          Map.entry("PlainClassifier: instanceof InterruptedIOException", "the same"),
          Map.entry("PlainClassifier: instanceof ClosedByInterruptException", "the same"),
          Map.entry(
              "RequestRun: instanceof ProblemException",
              "thrown for the caller; one that something else wraps is a failure of the handler"),
          Map.entry("Route: catch (CodecException e)", "thrown by its own codec"),
          Map.entry("RabbitTransport: catch (PublishException e)", "thrown by the write before it"),
          Map.entry(
              "StartPositions: catch (KafkaException | CommsException e) x2",
              "whatever the failure is, the position is requested again"),
          Map.entry(
              "Declarations: catch (CodecException e)",
              "thrown by the format itself; every other failure has a code of its own"),
          Map.entry(
              "DeadLetterImport: instanceof RuntimeException", "throws on what it has caught"),
          Map.entry(
              "CommitWaiters: catch (TimeoutException | ExecutionException e)",
              "whatever the failure is, nothing was confirmed"),
          Map.entry(
              "UnclosableConnection: catch (InvocationTargetException e)",
              "throws on what the driver has thrown"),
          Map.entry("UnclosableConnection: getCause() x3", "throws on what the driver has thrown"),
          Map.entry(
              "UnclosableConnection: instanceof SQLException", "notes what the driver has thrown"),
          Map.entry("InMemoryOutbox: catch (CompletionException e)", "unwraps it"),
          Map.entry(
              "JacksonCodec: instanceof StreamConstraintsException",
              "looks at each of the chain, for a text"),
          Map.entry("JdbcTransactions: catch (StoreException e)", "made by the check before it"),
          Map.entry(
              "JdbcIdempotencyStore: catch (StoreException e)",
              "its own statements throw it themselves"),
          Map.entry(
              "CallProgress: instanceof CallException",
              "of the work itself; every other failure is an answer, which reaches the caller"),
          Map.entry("KafkaDeadLetters: catch (ExecutionException e)", "unwrapped by KafkaErrors"),
          Map.entry("TopicAdmin: catch (ExecutionException e) x4", "unwrapped by KafkaErrors"),
          Map.entry(
              "TopicAdmin: catch (ExecutionException | TimeoutException e) x2",
              "unwrapped by KafkaErrors"),
          Map.entry(
              "OutboxRelay: catch (TimeoutException | ExecutionException e)",
              "whatever the failure is, it is not drained"),
          Map.entry(
              "SagaTimeouts: instanceof DefinitionFailedException",
              "made by the library's own code; what it carries is classified over the chain"),
          Map.entry("DefinitionFailedException: instanceof Exception", "throws on what it carries"),
          Map.entry(
              "Outcomes: instanceof CancellationException",
              "of the stage itself; a wrapped one is an answer of the work"),
          Map.entry("Outcomes: instanceof InterruptedException", "the same"),
          Map.entry(
              "EndpointPermit: instanceof CallException",
              "of the attempt itself; the classifier reads a wrapped one as an answer"),
          Map.entry(
              "PollFailures: instanceof KafkaException",
              "decides of the stack trace in the log only"),
          Map.entry("RabbitDeadLetters: catch (ExecutionException e)", "unwraps it"),
          Map.entry(
              "RefusedCalls: instanceof CallException x2", "asked of each failure of the chain"),
          Map.entry(
              "ReplyHandler: catch (DefinitionFailedException e)", "throws on what it carries"),
          Map.entry(
              "ReplyHandler: catch (SagaTransitions.RefusedException e)",
              "made by the library's own code"),
          Map.entry(
              "ResultRecorder: catch (StoreException e)",
              "the contract of a store names it; what becomes of it is told over the chain"),
          Map.entry(
              "OperatorActions: catch (DefinitionFailedException e)", "throws on what it carries"),
          Map.entry(
              "OperatorActions: catch (SagaTransitions.RefusedException e)",
              "made by the library's own code"),
          Map.entry("OperatorActions: catch (StoreException | SagaException e)", "throws it on"),
          Map.entry("SagaTransitions: catch (RefusedException e)", "throws it on"),
          Map.entry(
              "SharedCall: catch (ExecutionException e)", "a shared call always ends with a value"),
          Map.entry("SchemaLock: instanceof SQLException", "read by SqlErrors"),
          Map.entry(
              "RelayBackgroundTask: instanceof RuntimeException", "throws on what it has caught"),
          Map.entry(
              "SpringTransactionRunner: catch (StoreException e) x2",
              "its own begin and the transaction's throw it themselves"),
          Map.entry(
              "SpringTransactionRunner: instanceof TransactionSystemException",
              "in doubt a failed attempt; a driver's failure is looked for in the chain before"));

  @Test
  void eachCheckOfASingleFailureHasAReason() throws IOException {
    Map<String, Integer> found = new TreeMap<>();
    for (Path folder : LibrarySchemas.folders("src/main/java")) {
      if (folder.toString().contains("testkit")) {
        continue;
      }
      for (Path source : LibrarySchemas.files(folder, ".java")) {
        String type = source.getFileName().toString().replace(".java", "");
        if (!READERS.contains(type)) {
          Matcher site = SITE.matcher(Files.readString(source).replaceAll("\\s+", " "));
          while (site.find()) {
            if (!site.group().startsWith("Failures.")) {
              found.merge(type + ": " + site.group(), 1, Integer::sum);
            }
          }
        }
      }
    }
    Set<String> sites = new TreeSet<>();
    found.forEach((site, count) -> sites.add(count == 1 ? site : site + " x" + count));
    assertThat(sites).isEqualTo(new TreeSet<>(REASONS.keySet()));
  }
}
