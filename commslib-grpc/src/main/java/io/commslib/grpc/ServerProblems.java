package io.commslib.grpc;

import io.commslib.core.call.CallStatus;
import java.time.Duration;

/** The problems with which the server itself answers. None has content of the request. */
final class ServerProblems {

  private ServerProblems() {}

  /** A problem that the same request will always have. */
  private static GrpcProblem permanent(CallStatus status, String code, String detail) {
    return GrpcProblem.builder(status).code(code).detail(detail).retryable(false).build();
  }

  private static GrpcProblem.Builder passing(CallStatus status, String code, String detail) {
    return GrpcProblem.builder(status).code(code).detail(detail);
  }

  static GrpcProblem unknownMethod() {
    return permanent(
        CallStatus.UNIMPLEMENTED,
        "COMMS-GRPC-101",
        "method: unknown (expected: a method of a service of this server)");
  }

  static GrpcProblem malformedTimeout() {
    return permanent(
        CallStatus.INVALID_ARGUMENT,
        "COMMS-GRPC-102",
        "grpc-timeout: malformed (expected: 1 to 8 digits and one of H, M, S, m, u, n)");
  }

  static GrpcProblem malformedRequest() {
    return permanent(
        CallStatus.INVALID_ARGUMENT,
        "COMMS-GRPC-103",
        "request: malformed (expected: a message of this method)");
  }

  static GrpcProblem expired() {
    return passing(
            CallStatus.DEADLINE_EXCEEDED,
            "COMMS-GRPC-104",
            "the time of the call was over before its handler began; nothing was done")
        .build();
  }

  static GrpcProblem overran() {
    return passing(
            CallStatus.DEADLINE_EXCEEDED,
            "COMMS-GRPC-105",
            "the handler overran the maxTimeout of the server; it may have taken effect")
        .build();
  }

  static GrpcProblem handlerFailed() {
    return passing(CallStatus.INTERNAL, "COMMS-GRPC-106", "the handler failed").build();
  }

  static GrpcProblem.Builder dependencyFailed(CallStatus status) {
    return passing(status, "COMMS-GRPC-107", "a call or another dependency of the handler failed");
  }

  static GrpcProblem overloaded(int max, String whose, Duration wait) {
    return passing(
            CallStatus.RESOURCE_EXHAUSTED,
            "COMMS-GRPC-108",
            "calls in flight: too many (expected: at most " + max + ", " + whose + ")")
        .retryAfter(wait)
        .build();
  }

  static GrpcProblem tooLarge() {
    return permanent(
        CallStatus.RESOURCE_EXHAUSTED,
        "COMMS-GRPC-109",
        "request: too large once decompressed (expected: at most the server's"
            + " maxInboundMessageSize)");
  }

  static GrpcProblem missingKey() {
    return permanent(
        CallStatus.INVALID_ARGUMENT,
        "COMMS-GRPC-131",
        "this method is idempotent and requires the metadata idempotency-key");
  }

  static GrpcProblem malformedKey(String reason) {
    return permanent(
        CallStatus.INVALID_ARGUMENT, "COMMS-GRPC-132", "idempotency-key: malformed: " + reason);
  }

  static GrpcProblem reusedKey() {
    return permanent(
        CallStatus.INVALID_ARGUMENT,
        "COMMS-GRPC-133",
        "this idempotency key was used for another request; a key must not be used for different"
            + " content");
  }

  static GrpcProblem inProgress(Duration wait) {
    return passing(
            CallStatus.ABORTED,
            "COMMS-GRPC-134",
            "a call with this idempotency key is in progress; repeat it later with the same key")
        .retryAfter(wait)
        .build();
  }

  static GrpcProblem notKept() {
    return permanent(
        CallStatus.ALREADY_EXISTS,
        "COMMS-GRPC-135",
        "the call was carried out before, and its answer could not be kept");
  }
}
