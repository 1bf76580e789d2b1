package io.commslib.grpc;

import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Parses requests so that a malformed one reaches the server's own code: gRPC would answer {@code
 * UNKNOWN}, as for a defect of the handler.
 */
final class RequestParsing {

  /** Stands for a request that can't be parsed, or whose parser has an error of its own. */
  private record Unusable(GrpcProblem problem, @Nullable Throwable error) {
    /** Shows no text of the error. */
    @Override
    public String toString() {
      return "Unusable{" + problem + "}";
    }
  }

  private static final Unusable MALFORMED = new Unusable(ServerProblems.malformedRequest(), null);
  private static final Unusable TOO_LARGE = new Unusable(ServerProblems.tooLarge(), null);

  private RequestParsing() {}

  /** Returns why a request can't be used, or null for one that can. */
  static @Nullable GrpcProblem problem(Object request) {
    return request instanceof Unusable unusable ? unusable.problem : null;
  }

  /** Returns the error that the parser of a request had, or null. */
  static @Nullable Throwable error(Object request) {
    return request instanceof Unusable unusable ? unusable.error : null;
  }

  static ServerServiceDefinition of(ServerServiceDefinition service) {
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(service.getServiceDescriptor().getName())
            .setSchemaDescriptor(service.getServiceDescriptor().getSchemaDescriptor());
    service.getMethods().stream()
        .map(method -> descriptor(method.getMethodDescriptor()))
        .forEach(descriptor::addMethod);
    ServerServiceDefinition.Builder parsed = ServerServiceDefinition.builder(descriptor.build());
    Map<String, MethodDescriptor<?, ?>> methods = new HashMap<>();
    // The descriptors of service and methods must be the same objects.
    descriptor
        .build()
        .getMethods()
        .forEach(method -> methods.put(method.getFullMethodName(), method));
    service.getMethods().forEach(method -> add(parsed, method, methods));
    return parsed.build();
  }

  @SuppressWarnings("unchecked") // the descriptor was made of that of the method
  private static <Q, A> void add(
      ServerServiceDefinition.Builder to,
      ServerMethodDefinition<Q, A> method,
      Map<String, MethodDescriptor<?, ?>> descriptors) {
    MethodDescriptor<Q, A> descriptor =
        (MethodDescriptor<Q, A>) descriptors.get(method.getMethodDescriptor().getFullMethodName());
    to.addMethod(ServerMethodDefinition.create(descriptor, method.getServerCallHandler()));
  }

  private static <Q, A> MethodDescriptor<Q, A> descriptor(MethodDescriptor<Q, A> method) {
    return method.toBuilder(
            new Marshaller<>(method.getRequestMarshaller()),
            new AnswerMarshaller<>(method.getResponseMarshaller()))
        .build();
  }

  private static final class Marshaller<T> implements MethodDescriptor.Marshaller<T> {
    private final MethodDescriptor.Marshaller<T> own;

    Marshaller(MethodDescriptor.Marshaller<T> own) {
      this.own = own;
    }

    @Override
    public InputStream stream(T value) {
      return own.stream(value);
    }

    @Override
    @SuppressWarnings("unchecked") // never reaches code that knows the type
    public T parse(InputStream stream) {
      try {
        return own.parse(stream);
      } catch (RuntimeException | StackOverflowError e) {
        // A request that is too large only once it is decompressed.
        boolean isTooLarge = Status.fromThrowable(e).getCode() == Status.Code.RESOURCE_EXHAUSTED;
        return (T) (isTooLarge ? TOO_LARGE : MALFORMED);
      } catch (Error e) {
        // A class that is missing or a lack of memory is no fault of the caller.
        return (T) new Unusable(ServerProblems.handlerFailed(), e);
      }
    }
  }
}
