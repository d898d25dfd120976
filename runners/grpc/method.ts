/** The methods of Beam's gRPC services that are called or served here. */
import { artifactApi, fnApi, jobApi, provisionApi } from "../../beam/messages.js";

/** How messages of one kind become bytes. */
export interface MessageType<T> {
  toBinary(message: T): Uint8Array;
  fromBinary(bytes: Uint8Array): T;
}

/** A method: its path and what goes in and out. */
export interface Method<RequestT, ResponseT> {
  readonly path: string;
  readonly request: MessageType<RequestT>;
  readonly response: MessageType<ResponseT>;
}

const fn = "/org.apache.beam.model.fn_execution.v1";
const job = "/org.apache.beam.model.job_management.v1";

/** BeamFnControl: a worker's instructions. */
export const control = {
  control: method(`${fn}.BeamFnControl/Control`, fnApi.InstructionResponse, fnApi.InstructionRequest),
  getProcessBundleDescriptor: method(
    `${fn}.BeamFnControl/GetProcessBundleDescriptor`,
    fnApi.GetProcessBundleDescriptorRequest,
    fnApi.ProcessBundleDescriptor,
  ),
} as const;

/** BeamFnData: elements, both ways. */
export const data = { data: method(`${fn}.BeamFnData/Data`, fnApi.Elements, fnApi.Elements) } as const;

/** BeamFnState: side inputs. */
export const state = {
  state: method(`${fn}.BeamFnState/State`, fnApi.StateRequest, fnApi.StateResponse),
} as const;

/** BeamFnLogging: a worker's log. */
export const logging = {
  logging: method(`${fn}.BeamFnLogging/Logging`, fnApi.LogEntry_List, fnApi.LogControl),
} as const;

/** BeamFnExternalWorkerPool: starts workers for a runner. */
export const workerPool = {
  startWorker: method(
    `${fn}.BeamFnExternalWorkerPool/StartWorker`,
    fnApi.StartWorkerRequest,
    fnApi.StartWorkerResponse,
  ),
  stopWorker: method(
    `${fn}.BeamFnExternalWorkerPool/StopWorker`,
    fnApi.StopWorkerRequest,
    fnApi.StopWorkerResponse,
  ),
} as const;

/** ProvisionService: what a starting worker is told. */
export const provision = {
  getProvisionInfo: method(
    `${fn}.ProvisionService/GetProvisionInfo`,
    provisionApi.GetProvisionInfoRequest,
    provisionApi.GetProvisionInfoResponse,
  ),
} as const;

/** ArtifactRetrievalService: files for a starting worker. */
export const artifactRetrieval = {
  resolveArtifacts: method(
    `${job}.ArtifactRetrievalService/ResolveArtifacts`,
    artifactApi.ResolveArtifactsRequest,
    artifactApi.ResolveArtifactsResponse,
  ),
  getArtifact: method(
    `${job}.ArtifactRetrievalService/GetArtifact`,
    artifactApi.GetArtifactRequest,
    artifactApi.GetArtifactResponse,
  ),
} as const;

/** ArtifactStagingService: the job server fetches files from the submitter, which is the client of the call. */
export const artifactStaging = {
  reverseArtifactRetrievalService: method(
    `${job}.ArtifactStagingService/ReverseArtifactRetrievalService`,
    artifactApi.ArtifactResponseWrapper,
    artifactApi.ArtifactRequestWrapper,
  ),
} as const;

/** JobService: jobs of a job server. */
export const jobs = {
  prepare: method(`${job}.JobService/Prepare`, jobApi.PrepareJobRequest, jobApi.PrepareJobResponse),
  run: method(`${job}.JobService/Run`, jobApi.RunJobRequest, jobApi.RunJobResponse),
  getJobs: method(`${job}.JobService/GetJobs`, jobApi.GetJobsRequest, jobApi.GetJobsResponse),
  getState: method(`${job}.JobService/GetState`, jobApi.GetJobStateRequest, jobApi.JobStateEvent),
  getStateStream: method(`${job}.JobService/GetStateStream`, jobApi.GetJobStateRequest, jobApi.JobStateEvent),
  getMessageStream: method(
    `${job}.JobService/GetMessageStream`,
    jobApi.JobMessagesRequest,
    jobApi.JobMessagesResponse,
  ),
  cancel: method(`${job}.JobService/Cancel`, jobApi.CancelJobRequest, jobApi.CancelJobResponse),
  getJobMetrics: method(
    `${job}.JobService/GetJobMetrics`,
    jobApi.GetJobMetricsRequest,
    jobApi.GetJobMetricsResponse,
  ),
} as const;

function method<RequestT, ResponseT>(
  path: string,
  request: MessageType<RequestT>,
  response: MessageType<ResponseT>,
): Method<RequestT, ResponseT> {
  return { path, request, response };
}
